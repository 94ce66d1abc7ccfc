// libFuzzer: the first two bytes say where the rest is cut, and how long a line and an event may
// be. Every decoder must give, however its input is cut, what the naive one gives of the whole.
#include "../stream/text_reference.hpp"

#include <coir/stream/text/json_line_splitter.hpp>
#include <coir/stream/text/line_splitter.hpp>
#include <coir/stream/text/sse_parser.hpp>
#include <coir/stream/text/utf8_decoder.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using text_test::decode;

void expect(bool same, char const* what) {
    if (!same) {
        std::fprintf(stderr, "%s decodes to something else\n", what);
        std::abort();
    }
}

std::string text_of(std::string_view input, text_test::cuts const& at, coir::utf8_bom bom) {
    std::string text;
    for (auto const& piece : decode(coir::utf8_decoder(bom), input, at).items)
        text += piece;
    return text;
}

void check(std::string_view input, text_test::cuts const& at, std::size_t max_line, std::size_t max_event) {
    auto const utf8 = text_test::reference_utf8(input);
    expect(text_of(input, at, coir::utf8_bom::keep) == utf8, "UTF-8");
    auto const begin = utf8.starts_with("\xEF\xBB\xBF") ? std::size_t{3} : 0;
    expect(text_of(input, at, coir::utf8_bom::skip) == utf8.substr(begin), "UTF-8 without its mark");
    expect(decode(coir::line_splitter(max_line), input, at) == text_test::reference_lines(input, max_line), "lines");
    expect(decode(coir::json_line_splitter(max_line), input, at) == text_test::reference_json_lines(input, max_line),
           "lines of JSON");
    coir::sse_limits const limits{max_line, max_event};
    expect(decode(coir::sse_parser(limits), input, at) == text_test::reference_events(input, limits), "events");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 2) return 0;
    std::string_view const input(reinterpret_cast<char const*>(data) + 2, size - 2);
    text_test::cuts at;
    for (std::size_t offset = data[0] % 16U; offset < input.size(); offset += 1 + data[0] / 16U)
        at.push_back(offset);
    std::size_t const max_line = data[1] % 16U == 15 ? coir::default_max_line : 4U * (data[1] % 16U);
    check(input, at, max_line, 6U * (data[1] / 16U));
    check(input, text_test::every_byte(input), coir::default_max_line, coir::default_max_line);
    return 0;
}
