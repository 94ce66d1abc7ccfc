// The UTF-8 encoding itself, without state: classifying one sequence, replacing what is invalid.
//
//     std::string text;
//     std::size_t const cut = detail::append_utf8(text, bytes);   // ill-formed parts became U+FFFD
//     // bytes.substr(cut): a sequence that the end of the input left unfinished, 0 to 3 bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace coir::inline v0::detail {

inline constexpr std::string_view utf8_replacement = "\xEF\xBF\xBD";
inline constexpr std::string_view utf8_bom_bytes = "\xEF\xBB\xBF";

enum class utf8_kind : unsigned char { valid, invalid, unfinished };

struct utf8_sequence {
    std::size_t length; // of the sequence; if invalid, of its maximal subpart, at least 1
    utf8_kind kind;
};

struct utf8_lead {
    std::size_t length;           // of the sequence this byte opens, 0 if it opens none
    unsigned char lowest = 0x80;  // what may follow as the second byte: this is what excludes
    unsigned char highest = 0xBF; // overlong forms, surrogates and values above U+10FFFF
};

[[nodiscard]] constexpr utf8_lead classify_lead(unsigned char byte) noexcept {
    if (byte < 0x80) return {1};
    if (byte < 0xC2) return {0};
    if (byte < 0xE0) return {2};
    if (byte == 0xE0) return {3, 0xA0, 0xBF};
    if (byte == 0xED) return {3, 0x80, 0x9F};
    if (byte < 0xF0) return {3};
    if (byte == 0xF0) return {4, 0x90, 0xBF};
    if (byte < 0xF4) return {4};
    if (byte == 0xF4) return {4, 0x80, 0x8F};
    return {0};
}

/// What the non-empty `bytes` begin with. The length of an invalid one follows the practice of
/// WHATWG and Unicode (maximal subpart): the longest prefix that could have become a sequence.
[[nodiscard]] constexpr utf8_sequence classify_utf8(std::string_view bytes) noexcept {
    auto const at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    utf8_lead lead = classify_lead(at(0));
    if (lead.length == 0) return {1, utf8_kind::invalid};
    for (std::size_t i = 1; i < lead.length; ++i) {
        if (i == bytes.size()) return {i, utf8_kind::unfinished};
        if (at(i) < lead.lowest || at(i) > lead.highest) return {i, utf8_kind::invalid};
        lead.lowest = 0x80;
        lead.highest = 0xBF;
    }
    return {lead.length, utf8_kind::valid};
}

/// The length of the ASCII prefix, give or take: it may stop up to 7 bytes early.
[[nodiscard]] inline std::size_t skip_ascii(std::string_view bytes) noexcept {
    std::size_t length = 0;
    for (std::uint64_t word; bytes.size() - length >= sizeof word; length += sizeof word) {
        std::memcpy(&word, bytes.data() + length, sizeof word);
        if ((word & 0x8080808080808080u) != 0) break;
    }
    return length;
}

/// Appends `bytes` to `out`, each ill-formed part as one U+FFFD. Stops at a sequence that the end
/// of the input leaves unfinished, and returns where: `bytes.size()` if there is none.
inline std::size_t append_utf8(std::string& out, std::string_view bytes) {
    std::size_t run = 0; // [run, at) is valid and not yet appended
    std::size_t at = 0;
    while ((at += skip_ascii(bytes.substr(at))) < bytes.size()) {
        auto const [length, kind] = classify_utf8(bytes.substr(at));
        if (kind == utf8_kind::unfinished) break;
        if (kind == utf8_kind::invalid) {
            out.append(bytes, run, at - run).append(utf8_replacement);
            run = at + length;
        }
        at += length;
    }
    out.append(bytes, run, at - run);
    return at;
}

/// The same for a whole text: an unfinished sequence at its end is ill-formed too.
inline void append_whole_utf8(std::string& out, std::string_view bytes) {
    if (append_utf8(out, bytes) != bytes.size()) out.append(utf8_replacement);
}

} // namespace coir::inline v0::detail
