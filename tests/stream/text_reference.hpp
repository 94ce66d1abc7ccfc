// The decoders again, by the simplest means and over the whole input at once: what the real ones,
// which see it in pieces, are compared with by the tests and by the fuzzer.
#pragma once

#include "text_support.hpp"

#include <coir/stream/text/sse_parser.hpp>

#include <chrono>
#include <stdexcept>

namespace text_test {

// The line ends of WHATWG, by the simplest means: every CRLF, then every CR, becomes LF. The text
// after the last LF comes last, even if it is empty.
inline std::vector<std::string> reference_split(std::string_view input) {
    std::vector<std::string> lines(1);
    for (std::size_t i = 0; i < input.size(); ++i) {
        if (input[i] == '\n' && i != 0 && input[i - 1] == '\r') continue;
        if (input[i] == '\n' || input[i] == '\r')
            lines.emplace_back();
        else
            lines.back() += input[i];
    }
    return lines;
}

// The decoder of the WHATWG Encoding standard, step by step as it is written there; without BOM.
inline std::string reference_utf8(std::string_view input) {
    std::string out, pending;
    unsigned needed = 0, lower = 0x80, upper = 0xBF;
    auto const reset = [&] { needed = 0, lower = 0x80, upper = 0xBF, pending.clear(); };
    for (std::size_t i = 0; i < input.size();) {
        unsigned const byte = static_cast<unsigned char>(input[i]);
        if (needed == 0) {
            ++i;
            if (byte <= 0x7F)
                out += static_cast<char>(byte);
            else if (byte >= 0xC2 && byte <= 0xDF)
                needed = 1;
            else if (byte >= 0xE0 && byte <= 0xEF)
                needed = 2;
            else if (byte >= 0xF0 && byte <= 0xF4)
                needed = 3;
            else
                out += "\xEF\xBF\xBD";
            if (byte == 0xE0) lower = 0xA0;
            if (byte == 0xED) upper = 0x9F;
            if (byte == 0xF0) lower = 0x90;
            if (byte == 0xF4) upper = 0x8F;
            if (needed != 0) pending += static_cast<char>(byte);
        } else if (byte < lower || byte > upper) {
            out += "\xEF\xBF\xBD";
            reset(); // and look at the byte again
        } else {
            ++i;
            pending += static_cast<char>(byte);
            lower = 0x80, upper = 0xBF;
            if (--needed == 0) out += pending, reset();
        }
    }
    return needed == 0 ? out : out + "\xEF\xBF\xBD";
}

// A last line without an end is a line, but there is none after the last end. The first line that
// is too long ends it, before what comes after it.
inline decoded<std::string> reference_lines(std::string_view input, std::size_t max_line = std::string::npos) {
    decoded<std::string> result;
    auto all = reference_split(input);
    if (all.back().empty()) all.pop_back();
    for (std::string& line : all) {
        if (line.size() > max_line) {
            result.error = text_error::line_too_long;
            break;
        }
        result.items.push_back(std::move(line));
    }
    return result;
}

inline decoded<std::string> reference_json_lines(std::string_view input, std::size_t max_line = std::string::npos) {
    auto result = reference_lines(input, max_line);
    std::erase_if(result.items, [](std::string const& l) { return l.find_first_not_of(" \t") == std::string::npos; });
    return result;
}

// Digits only, and no more than can be counted.
inline std::optional<std::chrono::milliseconds> reference_retry(std::string const& value) {
    if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos) return {};
    try {
        return std::chrono::milliseconds(std::stoll(value));
    } catch (std::out_of_range const&) {
        return {};
    }
}

// WHATWG HTML 9.2.6, as it is written there: decode, split, interpret. The lines are counted as
// they came, for the limits.
inline decoded<coir::sse_event> reference_events(std::string_view bytes,
                                                 coir::sse_limits limits = {std::string::npos, std::string::npos}) {
    decoded<coir::sse_event> result;
    auto const raw = reference_split(bytes);
    auto text = reference_utf8(bytes);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    auto const lines = reference_split(text);
    coir::sse_event event;
    bool has_data = false;
    std::string type;
    std::string id;
    for (std::size_t i = 0; i != lines.size(); ++i) {
        if (raw[i].size() > limits.max_line) {
            result.error = text_error::line_too_long;
            return result;
        }
        if (i + 1 == lines.size()) break; // it has no end
        std::string const& line = lines[i];
        if (line.empty()) {
            event.event = type.empty() ? "message" : type;
            event.id = id;
            if (has_data) result.items.push_back(event);
            event = {};
            type.clear();
            has_data = false;
            continue;
        }
        auto const colon = line.find(':');
        auto const name = line.substr(0, colon);
        auto value = colon == std::string::npos ? std::string{} : line.substr(colon + 1);
        if (!value.empty() && value[0] == ' ') value.erase(0, 1);
        if (name == "data") {
            event.data += (has_data ? "\n" : "") + value;
            has_data = true;
            if (event.data.size() > limits.max_event) {
                result.error = text_error::event_too_large;
                return result;
            }
        }
        if (name == "event") type = value;
        if (name == "id" && value.find('\0') == std::string::npos) id = value;
        if (name == "retry" && reference_retry(value)) event.retry = reference_retry(value);
    }
    return result;
}

} // namespace text_test
