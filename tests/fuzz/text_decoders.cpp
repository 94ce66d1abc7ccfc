// libFuzzer: the first byte says where the rest is cut; cut or whole must decode to the same.
#include "../stream/text_support.hpp"

#include <coir/stream/text/json_line_splitter.hpp>
#include <coir/stream/text/sse_parser.hpp>
#include <coir/stream/text/utf8_decoder.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

template <class Decoder>
void same_when_cut(Decoder const& decoder, std::string_view input, text_test::cuts const& at) {
    if (text_test::decode(decoder, input, at) != text_test::decode(decoder, input)) std::abort();
}

std::string text_of(std::string_view input, text_test::cuts const& at) {
    std::string text;
    for (auto const& piece : text_test::decode(coir::utf8_decoder(coir::utf8_bom::keep), input, at).items)
        text += piece;
    return text;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const input(reinterpret_cast<char const*>(data) + 1, size - 1);
    text_test::cuts at;
    for (std::size_t offset = data[0] % 16; offset < input.size(); offset += 1 + data[0] / 16)
        at.push_back(offset);
    same_when_cut(coir::json_line_splitter(64), input, at);
    same_when_cut(coir::sse_parser({.max_line = 64, .max_event = 96}), input, at);
    if (text_of(input, at) != text_test::reference_utf8(input)) std::abort();
    return 0;
}
