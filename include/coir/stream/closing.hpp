// A stream that is being run: pulled until it is over, then closed.
//
//     status s = up_.pull(f, element_);            // as poll_next, until it is no value
//     status s = up_.each(f, accept);              // as pull_each, likewise
//     ...
//     return up_.close(f, ended_);                 // masked; how all of it ended
#pragma once

#include <coir/stream/each.hpp>

#include <utility>

namespace coir::inline v0::detail {

// Pulls from a stream and closes it; the common part of sinks and of with_stream.
template <class Up>
class closing {
public:
    explicit closing(Up&& up) : up_{std::move(up)} {}

    Up& stream() noexcept { return up_; }

    // What poll_next throws is a defect. After its end, and after a pull that was given up, the
    // stream is not pulled any more.
    status pull(fiber_base& f, std::optional<typename Up::value_type>& out) noexcept {
        if (over_) {
            return status::end;
        }
        if (pulled_ >= budget) {
            return take_a_rest(f);
        }
        status const s = poll_next(f, out);
        pulled_ += s == status::value ? 1 : 0;
        over_ = has_ended(s) && s != status::value;
        return s;
    }

    // The same for many, as long as `give` wants more; what it throws is a defect, too.
    template <class Give>
    COIR_FUSED status each(fiber_base& f, Give give) noexcept {
        if (over_) {
            return status::end;
        }
        if (pulled_ >= budget) {
            return take_a_rest(f);
        }
        unsigned passed = 1;
        bool more = true;
        status s = status::defect;
        try {
            s = pull_each(up_, f, [&](typename Up::value_type&& x) COIR_FUSED_LAMBDA {
                ++passed;
                if (give(std::move(x))) {
                    return true;
                }
                more = false;
                return false;
            });
            if (s == status::defect) {
                thrown_ = up_.defect();
            }
        } catch (...) {
            thrown_ = std::current_exception();
        }
        // A call gives nobody else a turn.
        pulled_ = s == status::pending ? 0 : pulled_ + passed;
        over_ = has_ended(s) && s != status::value;
        return s == status::value && more ? take_a_rest(f) : s;
    }

    // The consumer threw: the stream's end is this defect.
    void die(std::exception_ptr thrown) noexcept { thrown_ = std::move(thrown); }

    // After the last pull, until it has ended: closes and gives the end, which was `ended`. Once it
    // is closed there is nothing left to do.
    status close(fiber_base& f, status& ended) noexcept {
        if (closed_) {
            return ended;
        }
        if (!std::exchange(masked_, true)) {
            shield_before_ = f.mask();
        }
        status s = status::defect;
        std::exception_ptr thrown;
        try {
            s = up_.poll_close(f);
            thrown = s == status::defect ? up_.defect() : nullptr;
        } catch (...) {
            thrown = std::current_exception();
        }
        if (!has_ended(s)) {
            return s;
        }
        f.set_shield(shield_before_);
        closed_ = true;
        if (thrown) {
            settle(f, ended, std::move(thrown));
        }
        return ended;
    }

    // Of a pull, of the consumer or, if all went well until then, of the closing.
    std::exception_ptr defect() const noexcept { return thrown_; }

private:
    status take_a_rest(fiber_base& f) noexcept {
        pulled_ = 0;
        return rest(f);
    }

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) noexcept {
        try {
            status const s = up_.poll_next(f, out);
            if (s == status::defect) {
                thrown_ = up_.defect();
            }
            return s;
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }

    void settle(fiber_base& f, status& ended, std::exception_ptr thrown) {
        if (ended == status::value || ended == status::end) {
            ended = status::defect;
            thrown_ = std::move(thrown);
        } else {
            f.suppressed.add(std::move(thrown));
        }
    }

    Up up_;
    std::exception_ptr thrown_;
    std::uint32_t shield_before_ = 0;
    unsigned pulled_ = 0;
    bool masked_ = false;
    bool over_ = false;
    bool closed_ = false;
};

} // namespace coir::inline v0::detail
