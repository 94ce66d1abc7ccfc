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
    /// One of n options; the first unless an earlier schedule took it already. Sets `diverged`
    /// if the program did not offer the same options as the last time.
    std::size_t take(std::size_t n);

    /// Moves on to the next path; false if all were taken.
    bool advance();

    /// Goes back to the start of the same path.
    void rewind() noexcept { next_ = 0; }

    [[nodiscard]] std::size_t length() const noexcept { return taken_.size(); }
    [[nodiscard]] bool diverged() const noexcept { return diverged_; }

    /// Only what differs from the first option, as "place:option" pairs: "7:1 19:2".
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static choice_path parse(const std::string& text);

private:
    struct choice {
        std::size_t option, options;
    };
    std::vector<choice> taken_;
    std::size_t next_ = 0;
    bool diverged_ = false;
};

} // namespace model::detail
