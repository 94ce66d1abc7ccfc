// Text, cut anywhere, to the lines that hold a JSON text: behind the operator `split_json_lines`.
//
//     json_line_splitter lines;
//     std::string line;
//     lines.feed("{\"a\":1}\r\n\n[2");   lines.next(line);   // true: {"a":1}
//     lines.feed("]\n");                 lines.next(line);   // true: [2]
#pragma once

#include <coir/stream/text/line_splitter.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coir::inline v0 {

/// A line_splitter that passes over lines of nothing but spaces and tabs. The JSON in the other
/// lines is neither looked at nor trimmed.
class json_line_splitter {
public:
    using value_type = std::string;

    explicit json_line_splitter(std::size_t max_line = default_max_line) noexcept : lines_(max_line) {}

    /// Takes in a copy of `chunk`. Amortised O(chunk).
    void feed(std::string_view chunk) { lines_.feed(chunk); }

    /// Copies the next line that is not blank into `out`, reusing its capacity; false if more
    /// input is needed, or on failure.
    [[nodiscard]] bool next(std::string& out) {
        std::string_view line;
        while (lines_.next_view(line)) {
            if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
            out.assign(line);
            return true;
        }
        return false;
    }

    /// The input has ended.
    void finish() noexcept { lines_.finish(); }

    /// Set once the limit was exceeded; see bounded_text_decoder.
    [[nodiscard]] std::optional<text_error> error() const noexcept { return lines_.error(); }

private:
    line_splitter lines_;
};

} // namespace coir::inline v0
