// Drives the text decoders over inputs cut in every way, for the tests next to it.
#pragma once

#include <coir/stream/text/text_decoder.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace text_test {

using coir::text_error;
using cuts = std::vector<std::size_t>; // ascending offsets into the input

template <class Item>
struct decoded {
    std::vector<Item> items;
    std::optional<text_error> error;
    bool operator==(decoded const&) const = default;
};

// The chunk lives exactly as long as the call, in a block of its own, so that AddressSanitizer
// sees a decoder that keeps a view of it.
template <class Decoder>
void feed_and_forget(Decoder& decoder, std::string_view chunk) {
    auto const bytes = std::make_unique<char[]>(chunk.size());
    std::copy(chunk.begin(), chunk.end(), bytes.get());
    decoder.feed(std::string_view(bytes.get(), chunk.size()));
}

template <class Decoder>
void take_all(Decoder& decoder, std::vector<typename Decoder::value_type>& items) {
    typename Decoder::value_type item;
    while (decoder.next(item))
        items.push_back(item);
}

template <class Decoder>
decoded<typename Decoder::value_type> decode(Decoder decoder, std::string_view input, cuts const& at = {}) {
    decoded<typename Decoder::value_type> result;
    std::size_t begin = 0;
    for (std::size_t const end : at) {
        feed_and_forget(decoder, input.substr(begin, end - begin));
        take_all(decoder, result.items);
        begin = end;
    }
    feed_and_forget(decoder, input.substr(begin));
    take_all(decoder, result.items);
    decoder.finish();
    take_all(decoder, result.items);
    if constexpr (coir::bounded_text_decoder<Decoder>) result.error = decoder.error();
    return result;
}

inline cuts every_byte(std::string_view input) {
    cuts at;
    for (std::size_t i = 1; i < input.size(); ++i)
        at.push_back(i);
    return at;
}

inline std::string describe(cuts const& at) {
    std::string text = "cut at";
    for (std::size_t const offset : at)
        text += ' ' + std::to_string(offset);
    return text;
}

// Tries the whole input, every single cut (so empty chunks too), every byte by itself and, for
// short inputs, every pair of cuts. Describes the first that does not satisfy `same`, else "".
template <class Same>
std::string first_bad_cut(std::string_view input, Same same) {
    if (!same(cuts{})) return "not cut";
    if (!same(every_byte(input))) return "cut everywhere";
    for (std::size_t i = 0; i <= input.size(); ++i)
        if (!same(cuts{i})) return describe({i});
    if (input.size() > 80) return "";
    for (std::size_t i = 0; i <= input.size(); ++i)
        for (std::size_t j = i; j <= input.size(); ++j)
            if (!same(cuts{i, j})) return describe({i, j});
    return "";
}

using random_engine = std::mt19937;

inline std::size_t below(random_engine& random, std::size_t bound) {
    return static_cast<std::size_t>(random()) % bound; // the same on every standard library
}

inline cuts random_cuts(random_engine& random, std::size_t size) {
    cuts at(below(random, 6));
    for (std::size_t& offset : at)
        offset = below(random, size + 1);
    std::sort(at.begin(), at.end());
    return at;
}

inline std::string random_text(random_engine& random, std::vector<std::string> const& words, std::size_t max_words) {
    std::string text;
    for (std::size_t n = below(random, max_words + 1); n != 0; --n)
        text += words[below(random, words.size())];
    return text;
}

} // namespace text_test
