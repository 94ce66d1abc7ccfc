// A line of marbles: what a stream gives and when, as a picture in one line of text.
//
//     coir::marbles::line const l{"a-(bc)--|"};     // a at once, b and c after 2 dashes, the end after 5
//     for (auto const& e : l.events()) ...
//     CHECK(l == "a - (bc)--|");                     // spaces take no time
//
// | text            | meaning                                                           |
// | --------------- | ----------------------------------------------------------------- |
// | `-`             | one dash of time in which nothing happens                         |
// | `a`, `7`        | an element of that name; takes a dash too, as all that follows    |
// | `{ab}`, `{42}`  | an element with a longer name: a vector of a and b, a number      |
// | `\|`            | the end                                                           |
// | `#`, `#x`       | a failure, and what it is                                         |
// | `*`, `*{text}`  | a defect, and what was thrown                                     |
// | `!`             | interruption                                                      |
// | `/`             | a source was closed by who pulled it, before its end              |
// | `(ab\|)`        | all of this at one moment; takes one dash                         |
// | `[250ms]`       | time passes: h, min, s, ms, us, ns                                |
// | a space         | nothing; to write lines one above the other                       |
#pragma once

#include <coir/detail/marble_reader.hpp>
#include <coir/detail/marble_writer.hpp>

#include <optional>
#include <ostream>
#include <vector>

namespace coir::inline v0::marbles {

class line {
public:
    line() : line{dashes{1}} {}
    explicit line(clock::duration dash) : dash_{detail::checked_dash(dash)} {}
    // Throws std::invalid_argument, with the place, for a text that is no line of marbles.
    explicit line(std::string_view text, clock::duration dash = dashes{1})
        : dash_{detail::checked_dash(dash)}, events_{detail::marble_reader{text, dash}.read()} {}

    // In the order in which they happened.
    std::vector<event> const& events() const noexcept { return events_; }
    clock::duration dash() const noexcept { return dash_; }
    // How the stream ended; nothing: it had not when the line was cut off.
    std::optional<event_kind> ended() const noexcept {
        return events_.empty() || !detail::is_last(events_.back().what) ? std::nullopt
                                                                        : std::optional{events_.back().what};
    }

    // `e` is not before the last one.
    void add(event e) { events_.push_back(std::move(e)); }

    // The text. Where events are less than a dash apart there is none, and this is a list of what
    // happened when: "a at 0ms, b at 3ms".
    std::string text() const {
        std::optional<std::string> drawn = detail::marble_writer{events_, dash_}.draw();
        return drawn ? std::move(*drawn) : detail::listed(events_);
    }

    // The same happened at the same times. Which of what happened at one moment was first counts.
    friend bool operator==(line const& a, line const& b) { return a.events_ == b.events_; }
    friend bool operator==(line const& a, std::string_view text) { return a == line{text, a.dash_}; }
    friend std::ostream& operator<<(std::ostream& out, line const& l) { return out << '"' << l.text() << '"'; }

private:
    clock::duration dash_;
    std::vector<event> events_;
};

} // namespace coir::inline v0::marbles
