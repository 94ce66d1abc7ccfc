// Writes a line of marbles.
#pragma once

#include <coir/detail/marble_units.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace coir::inline v0::detail {

inline std::string event_text(marble_event const& e) {
    std::string text;
    if (e.what != marble_kind::element) {
        text.push_back(marble_sign(e.what));
        if (e.name.empty()) {
            return text;
        }
    }
    return e.name.size() == 1 && is_marble_letter(e.name[0]) ? text + e.name
                                                             : text.append("{").append(e.name).append("}");
}

class marble_writer {
public:
    marble_writer(std::vector<marble_event> const& events, clock::duration dash) : events_{events}, dash_{dash} {}

    // Nothing, if two moments are less than a dash apart.
    std::optional<std::string> draw() {
        for (std::size_t i = 0; i != events_.size();) {
            std::size_t const next = end_of_moment(i);
            if (events_[i].at < now_) {
                return std::nullopt;
            }
            pass(events_[i].at - now_);
            text_.append(next - i > 1 ? "(" : "");
            for (std::size_t k = i; k != next; ++k) {
                text_.append(event_text(events_[k]));
            }
            text_.append(next - i > 1 ? ")" : "");
            now_ = events_[i].at + dash_;
            i = next;
        }
        return std::move(text_);
    }

private:
    static constexpr clock::rep most_dashes = 40;

    std::size_t end_of_moment(std::size_t i) const noexcept {
        clock::duration const at = events_[i].at;
        while (i != events_.size() && events_[i].at == at) {
            ++i;
        }
        return i;
    }

    void pass(clock::duration d) {
        if (d / dash_ <= most_dashes) {
            text_.append(static_cast<std::size_t>(d / dash_), '-');
            d %= dash_;
        }
        if (d != d.zero()) {
            text_.append("[").append(duration_text(d)).append("]");
        }
    }

    std::vector<marble_event> const& events_;
    clock::duration dash_;
    clock::duration now_{};
    std::string text_;
};

inline std::string listed(std::vector<marble_event> const& events) {
    std::string text;
    for (marble_event const& e : events) {
        text.append(text.empty() ? "" : ", ").append(event_text(e)).append(" at ").append(duration_text(e.at));
    }
    return text;
}

} // namespace coir::inline v0::detail
