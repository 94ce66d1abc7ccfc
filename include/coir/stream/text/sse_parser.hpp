// Server-sent events out of bytes, cut anywhere: behind the operator `server_sent_events`.
//
//     sse_parser parser;
//     sse_event event;
//     parser.feed("event: delta\ndata: {\"text\":");
//     parser.feed("\"hi\"}\r\n\r");
//     while (parser.next(event)) use(event.event, event.data);   // "delta", {"text":"hi"}
#pragma once

#include <coir/detail/std/chrono.hpp>
#include <coir/stream/text/line_splitter.hpp>
#include <coir/stream/text/utf8_sequence.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coir::inline v0 {

/// One event of a text/event-stream.
struct sse_event {
    std::string event; ///< its type, "message" if the stream names none
    std::string data;  ///< the data lines, joined by "\n"
    std::string id;    ///< the last event id, from this event or an earlier one; may be empty
    std::optional<std::chrono::milliseconds> retry; ///< the reconnection time, if this event sets it

    // Not an aggregate: GCC 12 destroys a temporary one twice inside a co_await expression.
    sse_event() noexcept {}

    friend bool operator==(sse_event const&, sse_event const&) = default;
};

/// What one stream may make the parser hold.
struct sse_limits {
    std::size_t max_line = default_max_line;
    std::size_t max_event = std::size_t{4} << 20; ///< of `data`, in bytes
};

/// A bounded_text_decoder whose items are the events that WHATWG HTML 9.2.6 dispatches.
///
/// The input is bytes; what is given is valid UTF-8 (ill-formed parts become U+FFFD, one leading
/// byte order mark is skipped). An event without data is not given, nor is one that the end of the
/// input leaves unfinished. Fails with text_error::line_too_long or event_too_large.
class sse_parser {
public:
    using value_type = sse_event;

    explicit sse_parser(sse_limits limits = {}) noexcept : lines_(limits.max_line), max_event_(limits.max_event) {}

    /// Takes in a copy of `chunk`. Amortised O(chunk).
    void feed(std::string_view chunk) {
        if (!error()) lines_.feed(chunk);
    }

    /// Gives the next event, reusing the capacity of `out`; false if more input is needed, or on
    /// failure. An event is given at the first byte of the line end that completes it.
    [[nodiscard]] bool next(sse_event& out) {
        std::string_view line;
        while (!too_large_ && lines_.next_view(line)) {
            skip_bom(line);
            if (!line.empty()) {
                take_line(line);
            } else if (end_block(out)) {
                return true;
            }
        }
        return false;
    }

    /// The input has ended. Only a blank line completes an event, so there is nothing to do.
    void finish() noexcept {}

    /// Set once a limit was exceeded; see bounded_text_decoder.
    [[nodiscard]] std::optional<text_error> error() const noexcept {
        return too_large_ ? text_error::event_too_large : lines_.error();
    }

    /// How many comment lines next() has passed over: servers send them to show that they live.
    [[nodiscard]] std::uint64_t comments() const noexcept { return comments_; }

    /// What to send as Last-Event-ID when reconnecting: the id as of the last complete block,
    /// whether or not that one had data. Valid until next().
    [[nodiscard]] std::string const& last_event_id() const noexcept { return last_id_; }

    /// The last reconnection time that the stream has set, in an event or between them.
    [[nodiscard]] std::optional<std::chrono::milliseconds> reconnection_time() const noexcept {
        return reconnection_time_;
    }

private:
    void skip_bom(std::string_view& line) noexcept {
        bool const first = std::exchange(at_start_, false);
        if (first && line.starts_with(detail::utf8_bom_bytes)) line.remove_prefix(detail::utf8_bom_bytes.size());
    }

    // Lines and fields end at ASCII characters, and those end any ill-formed UTF-8 too. So decoding
    // each value by itself gives what decoding the whole stream first would give.
    void take_line(std::string_view line) {
        std::size_t const colon = line.find(':');
        if (colon == 0) {
            ++comments_;
        } else if (colon == std::string_view::npos) {
            take_field(line, {});
        } else {
            std::string_view value = line.substr(colon + 1);
            if (value.starts_with(' ')) value.remove_prefix(1);
            take_field(line.substr(0, colon), value);
        }
    }

    void take_field(std::string_view name, std::string_view value) {
        if (name == "data") {
            take_data(value);
        } else if (name == "event") {
            type_.clear();
            detail::append_whole_utf8(type_, value);
        } else if (name == "id") {
            take_id(value);
        } else if (name == "retry") {
            take_retry(value);
        }
    }

    void take_data(std::string_view value) {
        if (std::exchange(has_data_, true)) data_ += '\n';
        detail::append_whole_utf8(data_, value);
        too_large_ = data_.size() > max_event_;
        if (too_large_) std::string{}.swap(data_);
    }

    void take_id(std::string_view value) {
        if (value.find('\0') != std::string_view::npos) return;
        id_.clear();
        detail::append_whole_utf8(id_, value);
    }

    void take_retry(std::string_view value) noexcept {
        using count = std::chrono::milliseconds::rep;
        constexpr count most = (std::numeric_limits<count>::max)();
        count parsed = 0;
        for (char const c : value) {
            if (c < '0' || c > '9') return;
            count const digit = c - '0';
            if (parsed > (most - digit) / 10) return; // more than can be counted
            parsed = parsed * 10 + digit;
        }
        if (!value.empty()) retry_ = reconnection_time_ = std::chrono::milliseconds(parsed);
    }

    /// A blank line: whether the block before it is an event, which is then in `out`.
    bool end_block(sse_event& out) {
        bool const dispatch = std::exchange(has_data_, false);
        last_id_ = id_;
        if (dispatch) {
            out.event.assign(type_.empty() ? std::string_view("message") : type_);
            out.data.clear();
            out.data.swap(data_);
            out.id = last_id_;
            out.retry = retry_;
        }
        type_.clear();
        retry_.reset();
        return dispatch;
    }

    line_splitter lines_;
    std::size_t max_event_;
    std::string type_; // type_, data_, has_data_ and retry_ belong to the block being read
    std::string data_;
    std::string id_; // outlives its block: an id holds until the next one
    std::string last_id_;
    std::optional<std::chrono::milliseconds> retry_;
    std::optional<std::chrono::milliseconds> reconnection_time_;
    std::uint64_t comments_ = 0;
    bool has_data_ = false;
    bool at_start_ = true;
    bool too_large_ = false;
};

} // namespace coir::inline v0
