// Text, cut anywhere, to lines: behind the stream operator `split_lines`.
//
//     line_splitter lines;
//     std::string line;
//     lines.feed("one\r");         lines.next(line);   // true: "one", without waiting for an LF
//     lines.feed("\ntwo");         lines.next(line);   // false: that LF belonged to the CR
//     lines.finish();              lines.next(line);   // true: "two"
#pragma once

#include <coir/stream/text/line_buffer.hpp>
#include <coir/stream/text/text_decoder.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coir::inline v0 {

inline constexpr std::size_t default_max_line = std::size_t{1} << 20;

/// A bounded_text_decoder whose items are lines without their ends, which are LF, CR or CRLF.
///
/// A line is given as soon as its end is seen; a last line without an end is given after finish().
/// A line of more than `max_line` bytes, ended or not, is text_error::line_too_long. Bytes other
/// than CR and LF pass through unchanged.
class line_splitter {
public:
    using value_type = std::string;

    explicit line_splitter(std::size_t max_line = default_max_line) noexcept : max_line_(max_line) {}

    /// Takes in a copy of `chunk`. Amortised O(chunk).
    void feed(std::string_view chunk) {
        if (!error_) bytes_.append(chunk);
    }

    /// Copies the next line into `out`, reusing its capacity; false if more input is needed, or
    /// on failure. Amortised O(line).
    [[nodiscard]] bool next(std::string& out) {
        std::string_view line;
        if (!next_view(line)) return false;
        out.assign(line);
        return true;
    }

    /// The same without the copy: the line is valid until the next call of any member.
    [[nodiscard]] bool next_view(std::string_view& out) noexcept {
        if (error_) return false;
        swallow_line_feed();
        std::size_t const length = bytes_.find_line_end();
        if (length > max_line_) {
            error_ = text_error::line_too_long;
            bytes_.release();
            return false;
        }
        bool const ended = length < bytes_.size();
        if (!ended && (!finished_ || length == 0)) return false;
        out = bytes_.take(length);
        if (ended) after_return_ = bytes_.take(1).front() == '\r';
        return true;
    }

    /// The input has ended.
    void finish() noexcept { finished_ = true; }

    /// Set once the limit was exceeded; see bounded_text_decoder.
    [[nodiscard]] std::optional<text_error> error() const noexcept { return error_; }

private:
    // A line is not held back to see whether an LF follows its CR; instead that LF is remembered.
    void swallow_line_feed() noexcept {
        if (!after_return_ || bytes_.size() == 0) return;
        after_return_ = false;
        if (bytes_.front() == '\n') bytes_.take(1);
    }

    detail::line_buffer<> bytes_;
    std::size_t max_line_;
    bool after_return_ = false;
    bool finished_ = false;
    std::optional<text_error> error_;
};

} // namespace coir::inline v0
