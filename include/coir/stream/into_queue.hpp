// A sink that feeds a queue: into.
//
//     fork([&]() -> task<> { co_await (parse(input) | streams::into(jobs, streams::and_close)); });
#pragma once

#include <coir/stream/exiting.hpp>
#include <coir/stream/sinks.hpp>
#include <coir/sync/queue_capacity.hpp>
#include <coir/time.hpp>

namespace coir::inline v0::detail {

template <class T, class Queue>
class queue_sink {
    static_assert(std::constructible_from<typename Queue::value_type, T>,
                  "coir: into takes a queue of what is made from the elements");
    using push = decltype(operation_from(std::declval<Queue&>().push(std::declval<T>())));

public:
    using value_type = std::size_t;
    using error_type = never;

    explicit queue_sink(Queue* queue) noexcept : queue_{queue} {}
    queue_sink(queue_sink&& other) noexcept : queue_{other.queue_} {} // before it begins

    // The element stays with the caller until it was accepted.
    status accept(fiber_base& f, T& element) {
        push_.emplace(operation_from(queue_->push(std::move(element))));
        return poll(f);
    }
    status poll(fiber_base& f) {
        status const s = push_->poll(f);
        if (s != status::value) {
            return s;
        }
        push_status const how = push_->get();
        accepted_ += how == push_status::accepted ? 1 : 0;
        return how == push_status::closed ? status::end : status::value;
    }
    std::size_t result() const noexcept { return accepted_; }
    std::exception_ptr defect() const { return push_->defect(); }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    Queue* queue_;
    std::optional<push> push_;
    std::size_t accepted_ = 0;
};

// A finalizer that ends the queue as the stream has ended.
template <class Queue, class E>
class ends_queue {
public:
    explicit ends_queue(Queue* queue) noexcept : queue_{queue} {}
    auto operator()(outcome<void, E> const& end) const {
        if (!fail(end)) {
            queue_->close();
        }
        return checking{false};
    }

private:
    bool fail(outcome<void, E> const& end) const {
        if constexpr (!std::same_as<E, never> && requires { queue_->fail(end.error()); }) {
            return end.is_failure() && (queue_->fail(end.error()), true);
        } else {
            return false;
        }
    }

    Queue* queue_;
};

template <class Up, class Queue>
class into_operation : public sink_operation<Up, queue_sink<typename Up::value_type, std::remove_pointer_t<Queue>>> {
    using sink_operation<Up, queue_sink<typename Up::value_type, std::remove_pointer_t<Queue>>>::sink_operation;
};

template <class Up, class Queue>
using queue_ending_stage = on_exit_stage<Up, ends_queue<std::remove_pointer_t<Queue>, typename Up::error_type>>;

template <class Up, class Queue>
class into_and_close_operation : public into_operation<queue_ending_stage<Up, Queue>, Queue> {
    using ending = ends_queue<std::remove_pointer_t<Queue>, typename Up::error_type>;

public:
    into_and_close_operation(Up&& up, Queue queue)
        : into_operation<queue_ending_stage<Up, Queue>, Queue>{
              queue_ending_stage<Up, Queue>{std::move(up), ending{queue}}, queue} {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

struct and_close_t {
    explicit and_close_t() = default;
};
// For into: the queue ends with the stream.
inline constexpr and_close_t and_close{};

// Pushes each element into `queue`, waiting for room as its push does -> how many it accepted. Ends
// early, and closes the stream, when the queue is closed. The queue stays as it is at the end, so
// that several streams may go into one; it outlives the await.
template <class Queue>
auto into(Queue& queue) {
    return detail::make_stage<detail::into_operation>(&queue);
}

// The same, and then ends the queue: by fail(e) if the stream failed and the queue can fail with
// that, else by close(). An await that never began does not end it.
template <class Queue>
auto into(Queue& queue, and_close_t) {
    return detail::make_stage<detail::into_and_close_operation>(&queue);
}

} // namespace coir::inline v0::streams
