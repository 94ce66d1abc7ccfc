// Bytes, cut anywhere, to valid UTF-8: behind the stream operator `decode_utf8`.
//
//     utf8_decoder decoder;
//     std::string text;
//     decoder.feed("caf\xC3");    decoder.next(text);   // true: "caf"
//     decoder.feed("\xA9 \xFF");  decoder.next(text);   // true: "é \uFFFD"
#pragma once

#include <coir/stream/text/utf8_sequence.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace coir::inline v0 {

/// What to do with a byte order mark that begins the input.
enum class utf8_bom { skip, keep };

/// A text_decoder whose items are pieces of valid UTF-8, none of them empty.
///
/// Joined, the pieces are the UTF-8 decoding of the whole input as WHATWG defines it: sequences
/// cut between chunks are joined, and each ill-formed part becomes one U+FFFD, as does a sequence
/// that the end of the input leaves unfinished. It never fails and holds back at most three bytes.
class utf8_decoder {
public:
    using value_type = std::string;

    explicit utf8_decoder(utf8_bom bom = utf8_bom::skip) noexcept : at_start_(bom == utf8_bom::skip) {}

    /// Decodes `chunk`. O(chunk).
    void feed(std::string_view chunk) {
        while (held_ != 0 && !chunk.empty())
            continue_sequence(chunk);
        std::size_t const rest = detail::append_utf8(ready_, chunk);
        for (char byte : chunk.substr(rest))
            hold_[held_++] = byte;
        skip_bom();
    }

    /// Gives all that was decoded since the last call; false if that is nothing. `out` gives up
    /// its capacity for the next piece, so that a caller who keeps `out` allocates no more. O(1).
    [[nodiscard]] bool next(std::string& out) noexcept {
        if (ready_.empty()) return false;
        out.clear();
        out.swap(ready_);
        return true;
    }

    /// The input has ended.
    void finish() {
        if (held_ != 0) ready_.append(detail::utf8_replacement);
        held_ = 0;
    }

private:
    // What is held is an unfinished prefix. A byte that does not continue it makes the prefix the
    // maximal subpart, and is left in the chunk to be looked at again as a beginning.
    void continue_sequence(std::string_view& chunk) {
        hold_[held_] = chunk.front();
        std::string_view const sequence(hold_.data(), held_ + 1);
        auto const kind = detail::classify_utf8(sequence).kind;
        if (kind != detail::utf8_kind::invalid) chunk.remove_prefix(1);
        if (kind == detail::utf8_kind::unfinished) {
            ++held_;
            return;
        }
        ready_.append(kind == detail::utf8_kind::valid ? sequence : detail::utf8_replacement);
        held_ = 0;
    }

    // A sequence becomes ready as a whole, so the first text that is ready has all of the mark.
    void skip_bom() {
        if (!at_start_ || ready_.empty()) return;
        at_start_ = false;
        if (ready_.starts_with(detail::utf8_bom_bytes)) ready_.erase(0, detail::utf8_bom_bytes.size());
    }

    std::string ready_;
    std::array<char, 4> hold_{};
    std::size_t held_ = 0;
    bool at_start_;
};

} // namespace coir::inline v0
