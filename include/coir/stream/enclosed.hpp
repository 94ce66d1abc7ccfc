// A stream that a stage runs from its own pulls: pulled, and closed where the stage wants it closed.
//
//     status s = inner_.poll_next(f, out);
//     ...
//     status s = inner_.close(f);                  // masked; pending, or value, or defect
#pragma once

#include <coir/stream/each.hpp>

#include <exception>
#include <utility>

namespace coir::inline v0::detail {

// The next element of `s` as a T.
template <class S, class T>
status poll_into(S& s, fiber_base& f, std::optional<T>& out) {
    if constexpr (std::same_as<typename S::value_type, T>) {
        return s.poll_next(f, out);
    } else {
        std::optional<typename S::value_type> in;
        status const found = s.poll_next(f, in);
        if (found == status::value) {
            out.emplace(std::move(*in));
        }
        return found;
    }
}

// The same for many of them.
template <class T, class S, class Give>
COIR_FUSED status pull_each_into(S& s, fiber_base& f, Give& give) {
    auto const pass = [&](typename S::value_type&& x) COIR_FUSED_LAMBDA {
        if constexpr (std::same_as<typename S::value_type, T>) {
            return give(std::move(x));
        } else {
            T made(std::move(x));
            return give(std::move(made));
        }
    };
    return pull_each(s, f, giving(give, pass));
}

// Closing is masked, so a pull in which it happens cannot be given up before it is done. Who
// closes within a pull has told of a defect of it; poll_close, for the closing of the stage, tells
// of one only if it closes itself.
template <async_stream S>
class enclosed {
public:
    explicit enclosed(S&& s) : stream_{std::move(s)} {}

    S& stream() noexcept { return stream_; }

    template <class T>
    status poll_next(fiber_base& f, std::optional<T>& out) {
        return poll_into(stream_, f, out);
    }

    // Within a pull. value, or defect: a finalizer threw.
    status close(fiber_base& f) noexcept {
        if (!masked_) {
            masked_ = true;
            shield_before_ = f.mask();
        }
        status const s = poll_close(f);
        if (has_ended(s)) {
            f.set_shield(shield_before_);
            closed_ = true;
        }
        return s;
    }

    // The same after a failure, which came before what a finalizer throws: that is suppressed.
    // Then error() may be asked for.
    status close_failed(fiber_base& f) noexcept {
        status const s = close(f);
        if (s == status::defect) {
            f.suppressed.add(thrown_);
            return status::value;
        }
        return s;
    }

    // As a stream's, for a stage that is closed itself; nothing is left to do after close().
    status poll_close(fiber_base& f) noexcept {
        if (closed_) {
            return status::value;
        }
        try {
            status const s = stream_.poll_close(f);
            if (s == status::defect) {
                thrown_ = stream_.defect();
            }
            closed_ = has_ended(s);
            return s;
        } catch (...) {
            thrown_ = std::current_exception();
            closed_ = true;
            return status::defect;
        }
    }

    // What a finalizer threw.
    std::exception_ptr const& thrown() const noexcept { return thrown_; }

private:
    S stream_;
    std::exception_ptr thrown_;
    std::uint32_t shield_before_ = 0;
    bool masked_ = false;
    bool closed_ = false;
};

// Closing one stream after another: the first defect is that of both, a second is suppressed.
class closing_in_turn {
public:
    template <class S>
    status poll(fiber_base& f, enclosed<S>& s) noexcept {
        status const found = s.poll_close(f);
        if (found == status::defect) {
            if (thrown_) {
                f.suppressed.add(s.thrown());
            } else {
                thrown_ = s.thrown();
            }
        }
        return has_ended(found) ? status::value : found;
    }

    // When all are closed.
    status end() const noexcept { return thrown_ ? status::defect : status::value; }
    std::exception_ptr const& thrown() const noexcept { return thrown_; }

private:
    std::exception_ptr thrown_;
};

} // namespace coir::inline v0::detail
