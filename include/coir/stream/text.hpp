// Stages over chunks of text, cut anywhere.
//
//     body | streams::server_sent_events() | streams::for_each(handle)
//
// A failure of the text - a line or an event that is too long - fails the stream with a
// text_error; what came before it was delivered.
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/stream/concept.hpp>
#include <coir/stream/text/json_line_splitter.hpp>
#include <coir/stream/text/line_splitter.hpp>
#include <coir/stream/text/sse_parser.hpp>
#include <coir/stream/text/utf8_decoder.hpp>

#include <string_view>

namespace coir::inline v0::detail {

template <class D>
struct decoder_error {
    using type = never;
};
template <bounded_text_decoder D>
struct decoder_error<D> {
    using type = text_error;
};

template <class Up, class Decoder>
class decode_stage : public stage<Up> {
    static_assert(std::convertible_to<typename Up::value_type const&, std::string_view>,
                  "coir: this takes a stream of text chunks, convertible to std::string_view");
    using own_error = typename decoder_error<Decoder>::type;

public:
    using value_type = typename Decoder::value_type;
    using error_type = errors<typename Up::error_type, own_error>;

    decode_stage(Up&& up, Decoder&& decoder) : stage<Up>{std::move(up)}, decoder_{std::move(decoder)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        for (;;) {
            if (decoder_.next(out.emplace())) {
                fruitless_ = 0;
                return status::value;
            }
            out.reset();
            if (is_broken()) {
                return status::failure;
            }
            if (finished_) {
                return status::end;
            }
            if (fruitless_ == budget) {
                fruitless_ = 0;
                return rest(f);
            }
            chunk_.reset();
            status const s = this->up_.poll_next(f, chunk_);
            if (s == status::value) {
                decoder_.feed(std::string_view{*chunk_});
                ++fruitless_;
            } else if (s == status::end) {
                decoder_.finish();
                finished_ = true;
            } else {
                return s;
            }
        }
    }

    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        if constexpr (!std::same_as<own_error, never>) {
            if (is_broken()) {
                return convert_error<error_type>(*decoder_.error());
            }
        }
        return error_as<error_type>(this->up_);
    }

private:
    bool is_broken() const noexcept {
        if constexpr (!std::same_as<own_error, never>) {
            return decoder_.error().has_value();
        } else {
            return false;
        }
    }

    Decoder decoder_;
    std::optional<typename Up::value_type> chunk_;
    unsigned fruitless_ = 0; // chunks in a row that completed nothing
    bool finished_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Bytes, cut anywhere, to strings of valid UTF-8: each ill-formed part becomes U+FFFD, as does a
// character that the end of the input leaves unfinished. Fails only as upstream does; holds back
// at most three bytes. O(chunk).
inline auto decode_utf8() { return detail::make_stage<detail::decode_stage>(utf8_decoder{}); }

// Text to lines without their ends, which are LF, CR LF or CR; a last line needs none. A line of
// more than `max_line` bytes fails the stream with text_error::line_too_long, after the lines
// before it. What is held of an unfinished line is dropped if upstream fails or the stream is
// closed. Negative: std::invalid_argument. Amortised O(chunk).
inline auto split_lines(detail::count_argument max_line = default_max_line) {
    return detail::make_stage<detail::decode_stage>(line_splitter{max_line.value()});
}

// The same without the lines of nothing but spaces and tabs. The others are neither parsed nor
// trimmed.
inline auto split_json_lines(detail::count_argument max_line = default_max_line) {
    return detail::make_stage<detail::decode_stage>(json_line_splitter{max_line.value()});
}

// The bytes of a text/event-stream to its events, each an sse_event (WHATWG HTML, section 9.2.6). An
// event that the end of the input leaves unfinished is not given. Fails with text_error if a limit
// is exceeded, after the events before it. Amortised O(chunk).
inline auto server_sent_events(sse_limits limits = {}) {
    return detail::make_stage<detail::decode_stage>(sse_parser{limits});
}

} // namespace coir::inline v0::streams
