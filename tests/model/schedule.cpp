#include "schedule.hpp"

#include <sstream>

namespace model::detail {

std::size_t choice_path::take(std::size_t n) {
    if (fixed_) return take_fixed(n);
    const auto place = place_++;
    if (n < 2) return 0;
    if (next_ == taken_.size()) taken_.push_back({place, 0, n});
    const choice& at = taken_[next_++];
    diverged_ = diverged_ || at.place != place || at.options != n;
    return diverged_ ? 0 : at.option;
}

// A parsed path knows only the choices that are not the first option.
std::size_t choice_path::take_fixed(std::size_t n) {
    const auto place = place_++;
    if (next_ == taken_.size() || taken_[next_].place != place) return 0;
    const auto option = taken_[next_++].option;
    diverged_ = diverged_ || option >= n;
    return diverged_ ? 0 : option;
}

bool choice_path::advance() {
    rewind();
    while (!taken_.empty() && taken_.back().option + 1 >= taken_.back().options) taken_.pop_back();
    if (taken_.empty()) return false;
    ++taken_.back().option;
    return true;
}

std::string choice_path::text() const {
    std::string all;
    for (const choice& each : taken_) {
        if (each.option == 0) continue;
        if (!all.empty()) all += ' ';
        all += std::to_string(each.place) + ':' + std::to_string(each.option);
    }
    return all.empty() ? "-" : all;
}

choice_path choice_path::parse(const std::string& text) {
    choice_path path;
    path.fixed_ = true;
    std::istringstream words(text);
    choice next{};
    char colon = 0;
    while (words >> next.place >> colon >> next.option) path.taken_.push_back(next);
    return path;
}

} // namespace model::detail
