// What the incremental text decoders share: how they are driven, and how they fail.
//
//     line_splitter lines;                      // or sse_parser, utf8_decoder, ...
//     std::string line;
//     for (std::string_view chunk : chunks) { lines.feed(chunk); while (lines.next(line)) use(line); }
//     lines.finish();
//     while (lines.next(line)) use(line);
#pragma once

#include <concepts>
#include <optional>
#include <string_view>

namespace coir::inline v0 {

/// Why a bounded decoder gave up.
enum class text_error {
    line_too_long,   ///< a line is longer than the limit
    event_too_large, ///< the data of one server-sent event is larger than the limit
};

/// A short English description.
[[nodiscard]] constexpr std::string_view to_string(text_error error) noexcept {
    return error == text_error::line_too_long ? "line too long" : "event too large";
}

/// An incremental decoder, independent of where its input is cut.
///
/// `feed(chunk)` takes bytes in, copying what it needs: the chunk may die when feed returns.
/// `next(out)` gives the next complete item, or returns false when it needs more input; call it
/// until it does before feeding again, as nothing bounds what is fed and not taken.
/// `finish()` says that the input has ended; then `next` gives what the end completes. Nothing may
/// be fed after it.
///
/// Decoders are plain values without locks: one thread at a time. Total work is linear in the
/// bytes fed, however they are cut. Only `std::bad_alloc` is ever thrown.
template <class Decoder>
concept text_decoder = requires(Decoder decoder, std::string_view chunk, typename Decoder::value_type& out) {
    decoder.feed(chunk);
    { decoder.next(out) } -> std::same_as<bool>;
    decoder.finish();
};

/// A text_decoder with limits. When `next` returns false and `error()` is set, it has failed for
/// good: every item before the offending one was given, and further input is ignored.
template <class Decoder>
concept bounded_text_decoder = text_decoder<Decoder> && requires(Decoder const& decoder) {
    { decoder.error() } -> std::same_as<std::optional<text_error>>;
};

} // namespace coir::inline v0
