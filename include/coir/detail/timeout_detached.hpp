// A time limit that does not wait for what it stops.
#pragma once

#include <coir/detail/timeout_operation.hpp>
#include <coir/fiber.hpp>

namespace coir::inline v0::detail {

template <class T>
using in_time = typename limited<T>::type;

// Whoever is interrupted while it waits asks the daemon to end too, and does not wait for that.
template <class T, class E>
task<in_time<T>, E> wait_for_daemon(fiber<T, E> daemon, timer::time_point::duration d) {
    struct passes_on_interruption {
        fiber<T, E> to;
        ~passes_on_interruption() {
            if (is_unwinding()) {
                to.request_interrupt();
            }
        }
    } const at_the_end{daemon};
    auto limited = timeout_operation<operation_of<fiber<T, E>>>{to_operation(std::move(daemon)), d};
    co_return co_await std::move(limited);
}

template <class Work>
task<in_time<typename fiber_for<Work>::value_type>, typename fiber_for<Work>::error_type>
run_detached(Work work, timer::time_point::duration d) {
    co_return co_await wait_for_daemon(fork_daemon(std::move(work)), d);
}

} // namespace coir::inline v0::detail
