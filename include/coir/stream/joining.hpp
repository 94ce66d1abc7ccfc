// Streams one after the other: concat.
//
//     streams::concat(stored_messages(), streams::from_queue(new_messages))
#pragma once

#include <coir/stream/common_element.hpp>
#include <coir/stream/enclosed.hpp>

#include <utility>

namespace coir::inline v0::detail {

// The first is closed before the second is pulled.
template <async_stream First, async_stream Second>
class concat_source {
public:
    using value_type = typename common_element<typename First::value_type, typename Second::value_type>::type;
    using error_type = errors<typename First::error_type, typename Second::error_type>;

    concat_source(First&& first, Second&& second) : first_{std::move(first)}, second_{std::move(second)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (at_ == place::second) {
            return second_.poll_next(f, out);
        }
        if (at_ == place::first) {
            status const s = first_.poll_next(f, out);
            if (s != status::end) {
                return s;
            }
            at_ = place::between;
        }
        status const s = leave_first(f);
        return s == status::value ? second_.poll_next(f, out) : s;
    }
    static constexpr bool asks = is_asked<First> && is_asked<Second>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (at_ == place::first) {
            status const s = pull_each_into<value_type>(first_.stream(), f, give);
            if (s != status::end) {
                return s;
            }
            at_ = place::between;
        }
        if (at_ == place::between) {
            status const s = leave_first(f);
            if (s != status::value) {
                return s;
            }
        }
        return pull_each_into<value_type>(second_.stream(), f, give);
    }

    status poll_close(fiber_base& f) {
        closing_ = true;
        return at_ == place::second ? second_.poll_close(f) : first_.poll_close(f);
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return at_ == place::second ? error_as<error_type>(second_.stream()) : error_as<error_type>(first_.stream());
    }
    std::exception_ptr defect() {
        if (closing_) {
            return at_ == place::second ? second_.thrown() : first_.thrown();
        }
        switch (at_) {
        case place::first: return first_.stream().defect();
        case place::between: return first_.thrown();
        case place::second: break;
        }
        return second_.stream().defect();
    }
    fiber_id interrupted_by() {
        return at_ == place::second ? second_.stream().interrupted_by() : first_.stream().interrupted_by();
    }

private:
    enum class place : unsigned char { first, between, second };

    status leave_first(fiber_base& f) noexcept {
        status const s = first_.close(f);
        at_ = s == status::value ? place::second : place::between;
        return s;
    }

    enclosed<First> first_;
    enclosed<Second> second_;
    place at_ = place::first;
    bool closing_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements of each stream in turn. One begins when the one before has ended and is closed; if
// one fails, the rest does not begin.
template <class First, class... More>
    requires async_stream<First> && (async_stream<More> && ...)
auto concat(First&& first, More&&... more) {
    if constexpr (sizeof...(More) == 0) {
        return std::move(first);
    } else {
        using rest = decltype(streams::concat(std::move(more)...));
        return detail::concat_source<First, rest>{std::move(first), streams::concat(std::move(more)...)};
    }
}
template <class... Streams>
    requires(!(async_stream<Streams> && ...))
auto concat(Streams&&...) {
    static_assert((async_stream<Streams> && ...),
                  "coir: concat takes streams, as rvalues; begin with streams::from, pass on with std::move");
}

} // namespace coir::inline v0::streams
