#include "schedule.hpp"

#include <sstream>

namespace model::detail {

// A parsed path knows no numbers of options: 0 there means "as many as offered".
std::size_t choice_path::take(std::size_t n) {
    if (n < 2) return 0;
    if (next_ == taken_.size()) taken_.push_back({0, n});
    choice& at = taken_[next_++];
    if (at.options == 0) at.options = n;
    if (at.options != n || at.option >= n) {
        diverged_ = true;
        return 0;
    }
    return at.option;
}

bool choice_path::advance() {
    next_ = 0;
    while (!taken_.empty() && taken_.back().option + 1 >= taken_.back().options) taken_.pop_back();
    if (taken_.empty()) return false;
    ++taken_.back().option;
    return true;
}

std::string choice_path::text() const {
    std::string all;
    for (std::size_t i = 0; i < taken_.size(); ++i) {
        if (taken_[i].option == 0) continue;
        if (!all.empty()) all += ' ';
        all += std::to_string(i) + ':' + std::to_string(taken_[i].option);
    }
    return all.empty() ? "-" : all;
}

choice_path choice_path::parse(const std::string& text) {
    choice_path path;
    std::istringstream words(text);
    std::size_t place = 0;
    std::size_t option = 0;
    char colon = 0;
    while (words >> place >> colon >> option) {
        path.taken_.resize(place + 1, {0, 0});
        path.taken_[place].option = option;
    }
    return path;
}

} // namespace model::detail
