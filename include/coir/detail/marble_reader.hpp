// Reads a line of marbles; <coir/testing/marble_line.hpp> has the table of what stands for what.
#pragma once

#include <coir/detail/marble_units.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace coir::inline v0::detail {

class marble_reader {
public:
    marble_reader(std::string_view text, clock::duration dash) : text_{text}, dash_{dash} {}

    std::vector<marble_event> read() {
        while (skip_spaces()) {
            step();
        }
        return std::move(events_);
    }

private:
    void step() {
        switch (std::size_t const here = at_; text_[at_]) {
        case '-':
            refuse_after_the_end(here);
            ++at_;
            advance(dash_);
            break;
        case '[':
            refuse_after_the_end(here);
            advance(time());
            break;
        case '(':
            group();
            advance(dash_);
            break;
        case ')': fail("this group was not opened", here);
        default: symbol(); advance(dash_);
        }
    }

    void group() {
        std::size_t const opened = at_++;
        std::size_t const before = events_.size();
        for (;;) {
            if (!skip_spaces()) {
                fail("this group is not closed", opened);
            }
            char const c = text_[at_];
            if (c == ')') {
                break;
            }
            if (c == '-' || c == '[' || c == '(') {
                fail(c == '(' ? "a group in a group" : "no time passes in a group", at_);
            }
            symbol();
        }
        ++at_;
        if (events_.size() == before) {
            fail("nothing is in this group", opened);
        }
    }

    void symbol() {
        std::size_t const here = at_;
        refuse_after_the_end(here);
        marble_event e{now_, marble_kind::element, {}};
        for (auto const k : {marble_kind::end, marble_kind::failure, marble_kind::defect, marble_kind::interruption,
                             marble_kind::closing}) {
            if (text_[at_] == marble_sign(k)) {
                e.what = k;
            }
        }
        at_ += e.what == marble_kind::element ? 0 : 1;
        if (e.what == marble_kind::element || e.what == marble_kind::failure || e.what == marble_kind::defect) {
            e.name = name();
            if (at_ == here) {
                fail("this character stands for nothing", here);
            }
        }
        events_.push_back(std::move(e));
    }

    // Nothing, if there is none.
    std::string name() {
        if (at_ == text_.size() || (text_[at_] != '{' && !is_marble_letter(text_[at_]))) {
            return {};
        }
        std::size_t const opened = at_;
        if (text_[at_] != '{') {
            return std::string(1, text_[at_++]);
        }
        for (std::size_t depth = 0; at_ != text_.size(); ++at_) {
            depth += text_[at_] == '{' ? 1 : 0;
            depth -= text_[at_] == '}' ? 1 : 0;
            if (depth == 0) {
                ++at_;
                return std::string{text_.substr(opened + 1, at_ - opened - 2)};
            }
        }
        fail("this name is not closed", opened);
    }

    clock::duration time() {
        std::size_t const opened = at_;
        std::size_t const closed = text_.find(']', at_);
        if (closed == std::string_view::npos) {
            fail("this time is not closed", opened);
        }
        at_ = opened + 1;
        std::int64_t n = 0;
        std::size_t digits = 0;
        for (; text_[at_] >= '0' && text_[at_] <= '9' && digits < 10; ++at_, ++digits) {
            n = n * 10 + (text_[at_] - '0');
        }
        std::string_view const unit = text_.substr(at_, closed - at_);
        at_ = closed + 1;
        for (marble_unit const& u : marble_units) {
            if (digits != 0 && u.name == unit && n <= (clock::duration::max)() / u.length) {
                return n * u.length;
            }
        }
        fail("a time is written as [250ms], in h, min, s, ms, us or ns", opened);
    }

    void advance(clock::duration d) {
        if (d > (clock::duration::max)() - now_) {
            fail("this is too long", at_ - 1);
        }
        now_ += d;
    }

    // False at the end of the text.
    bool skip_spaces() noexcept {
        while (at_ != text_.size() && text_[at_] == ' ') {
            ++at_;
        }
        return at_ != text_.size();
    }

    void refuse_after_the_end(std::size_t where) const {
        if (!events_.empty() && is_last(events_.back().what)) {
            fail("nothing comes after the end", where);
        }
    }

    [[noreturn]] void fail(char const* why, std::size_t where) const {
        throw std::invalid_argument{std::string{"coir: this is no line of marbles: "}
                                        .append(why)
                                        .append("\n    ")
                                        .append(text_)
                                        .append("\n    ")
                                        .append(where, ' ')
                                        .append("^")};
    }

    std::string_view text_;
    clock::duration dash_;
    std::size_t at_ = 0;
    clock::duration now_{};
    std::vector<marble_event> events_;
};

} // namespace coir::inline v0::detail
