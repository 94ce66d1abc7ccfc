// The choices of a schedule, explored depth first by running the program again and again.
//
//     choice_path path;
//     do { run_with(path); } while (path.advance());
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace model::detail {

class choice_path {
public:
    /// One of n options; the first unless an earlier schedule took it already.
    std::size_t take(std::size_t n);

    /// Where a choice could be but is not explored. Places are counted all the same, so that a
    /// schedule has the same name however much is explored.
    void skip() noexcept { ++place_; }

    /// Moves on to the next path; false if all were taken.
    bool advance();

    /// Goes back to the start of the same path.
    void rewind() noexcept { next_ = place_ = 0; }

    /// Choices in the path.
    [[nodiscard]] std::size_t length() const noexcept { return taken_.size(); }
    /// The program did not come to the same choices as the last time.
    [[nodiscard]] bool diverged() const noexcept { return diverged_; }
    /// Whether it was parsed: then it is one schedule, and bounds do not matter.
    [[nodiscard]] bool fixed() const noexcept { return fixed_; }

    /// Only what differs from the first option, as "place:option" pairs: "7:1 19:2".
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static choice_path parse(const std::string& text);

private:
    struct choice {
        std::size_t place, option, options;
    };
    std::size_t take_fixed(std::size_t n);

    std::vector<choice> taken_;
    std::size_t next_ = 0;
    std::size_t place_ = 0;
    bool diverged_ = false;
    bool fixed_ = false;
};

} // namespace model::detail
