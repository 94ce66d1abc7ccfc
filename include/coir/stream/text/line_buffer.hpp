// The bytes that line_splitter has taken in and not given out, with amortised constant work a byte.
//
//     detail::line_buffer<> bytes;
//     bytes.append(chunk);
//     if (auto end = bytes.find_line_end(); end < bytes.size()) {
//         std::string_view line = bytes.take(end);   // valid until the next append or release
//         bytes.take(1); }                           // the CR or LF
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coir::inline v0::detail {

/// Traits sees every byte compared and every byte copied, so that a test can count them.
///
/// Invariant: begin_ <= scanned_ <= bytes_.size(), and no line end is in [begin_, scanned_).
/// Each byte is compared once, as scanned_ never goes back. A byte is moved by compaction only
/// when at least as many bytes before it were taken since the last one, so moves <= bytes fed.
template <class Traits = std::char_traits<char>>
class line_buffer {
public:
    void append(std::string_view chunk) {
        compact();
        bytes_.append(chunk.data(), chunk.size());
    }

    /// The number of bytes not yet taken.
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - begin_; }

    /// The first of them; there must be one.
    [[nodiscard]] char front() const noexcept { return bytes_[begin_]; }

    /// The offset of the first CR or LF, size() if there is none.
    [[nodiscard]] std::size_t find_line_end() noexcept {
        char const* const bytes = bytes_.data();
        std::size_t const end = bytes_.size();
        std::size_t at = scanned_;
        while (at < end && !Traits::eq(bytes[at], '\n') && !Traits::eq(bytes[at], '\r'))
            ++at;
        scanned_ = at;
        return at - begin_;
    }

    /// Removes the first `count` bytes; they stay readable until the next append or release.
    std::string_view take(std::size_t count) noexcept {
        std::string_view const taken(bytes_.data() + begin_, count);
        begin_ += count;
        if (scanned_ < begin_) scanned_ = begin_;
        return taken;
    }

    /// Forgets everything and gives the memory back.
    void release() noexcept {
        string_type{}.swap(bytes_);
        begin_ = scanned_ = 0;
    }

private:
    using string_type = std::basic_string<char, Traits>;

    void compact() {
        if (begin_ < size()) return;
        bytes_.erase(0, begin_);
        scanned_ -= begin_;
        begin_ = 0;
    }

    string_type bytes_;
    std::size_t begin_ = 0;
    std::size_t scanned_ = 0;
};

} // namespace coir::inline v0::detail
