#include "terminal.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace chat {
namespace {

constexpr std::string_view substitute = "\xEF\xBF\xBD"; // U+FFFD

// How a prefix of the input reads: a character of `length` bytes; or, if `length` is 0, a character
// that needs more bytes; `code` is `ill_formed` for a byte that begins no character.
struct decoded {
    std::size_t length;
    std::uint32_t code;
};
constexpr std::uint32_t ill_formed = 0xFFFFFFFFu;

std::uint32_t byte_at(std::string_view text, std::size_t i) noexcept { return static_cast<unsigned char>(text[i]); }

// The bounds of the second byte rule out overlong forms, surrogates and values past U+10FFFF.
bool is_second_byte(std::uint32_t lead, std::uint32_t byte) noexcept {
    switch (lead) {
    case 0xE0: return byte >= 0xA0 && byte <= 0xBF;
    case 0xED: return byte >= 0x80 && byte <= 0x9F;
    case 0xF0: return byte >= 0x90 && byte <= 0xBF;
    case 0xF4: return byte >= 0x80 && byte <= 0x8F;
    default: return byte >= 0x80 && byte <= 0xBF;
    }
}

decoded decode(std::string_view text) noexcept {
    std::uint32_t const lead = byte_at(text, 0);
    if (lead < 0x80) return {1, lead};
    if (lead < 0xC2 || lead > 0xF4) return {1, ill_formed};
    std::size_t const length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t code = lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if (i == text.size()) return {0, 0};
        std::uint32_t const byte = byte_at(text, i);
        if (i == 1 ? !is_second_byte(lead, byte) : (byte & 0xC0u) != 0x80) return {1, ill_formed};
        code = (code << 6) | (byte & 0x3Fu);
    }
    return {length, code};
}

bool is_bidi_control(std::uint32_t code) noexcept {
    return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

// The picture of a C0 control or DEL: U+2400 to U+2421.
std::string picture(std::uint32_t control) {
    std::uint32_t const last = control == 0x7F ? 0x21u : control;
    return {'\xE2', '\x90', static_cast<char>(0x80u + last)};
}

void append_safe(std::string& out, std::string_view character, std::uint32_t code) {
    if (code == '\n' || code == '\t') {
        out += character;
    } else if (code < 0x20 || code == 0x7F) {
        out += picture(code);
    } else if (code == ill_formed || (code >= 0x80 && code < 0xA0) || is_bidi_control(code)) {
        out += substitute;
    } else {
        out += character;
    }
}

} // namespace

std::string terminal_filter::feed(std::string_view text) {
    std::string const all = std::exchange(pending_, {}).append(text);
    std::string_view rest = all;
    std::string out;
    out.reserve(all.size());
    while (!rest.empty()) {
        decoded const next = decode(rest);
        if (next.length == 0) {
            pending_ = rest;
            break;
        }
        append_safe(out, rest.substr(0, next.length), next.code);
        rest.remove_prefix(next.length);
    }
    return out;
}

std::string terminal_filter::finish() {
    std::string out;
    for (std::size_t left = std::exchange(pending_, {}).size(); left > 0; --left)
        out += substitute;
    return out;
}

std::string safe_for_terminal(std::string_view text) {
    terminal_filter filter;
    std::string out = filter.feed(text);
    return out += filter.finish();
}

} // namespace chat
