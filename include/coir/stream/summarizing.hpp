// Sinks that keep little of a stream: first, last, count.
//
//     std::optional<line> const title = co_await (lines | streams::first());
#pragma once

#include <coir/stream/sinks.hpp>

namespace coir::inline v0::detail {

template <class T>
class first_sink : public plain_sink {
public:
    using value_type = std::optional<T>;
    status accept(fiber_base&, T& element) {
        found_.emplace(std::move(element));
        return status::end;
    }
    value_type result() { return std::move(found_); }

private:
    value_type found_;
};

template <class T>
class last_sink : public plain_sink {
public:
    using value_type = std::optional<T>;
    status accept(fiber_base&, T& element) {
        last_.emplace(std::move(element));
        return status::value;
    }
    value_type result() { return std::move(last_); }

private:
    value_type last_;
};

template <class T>
class count_sink : public plain_sink {
public:
    using value_type = std::size_t;
    status accept(fiber_base&, T&) noexcept {
        ++count_;
        return status::value;
    }
    std::size_t result() const noexcept { return count_; }

private:
    std::size_t count_ = 0;
};

template <class Up>
class first_operation : public sink_operation<Up, first_sink<typename Up::value_type>> {
    using sink_operation<Up, first_sink<typename Up::value_type>>::sink_operation;
};
template <class Up>
class last_operation : public sink_operation<Up, last_sink<typename Up::value_type>> {
    using sink_operation<Up, last_sink<typename Up::value_type>>::sink_operation;
};
template <class Up>
class count_operation : public sink_operation<Up, count_sink<typename Up::value_type>> {
    using sink_operation<Up, count_sink<typename Up::value_type>>::sink_operation;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The first element -> std::optional<T>, nothing if there is none. Upstream is not pulled again,
// and is closed before the element is seen.
inline auto first() { return detail::make_stage<detail::first_operation>(); }

// The last element -> std::optional<T>, nothing if there is none.
inline auto last() { return detail::make_stage<detail::last_operation>(); }

// How many elements there are -> std::size_t.
inline auto count() { return detail::make_stage<detail::count_operation>(); }

} // namespace coir::inline v0::streams
