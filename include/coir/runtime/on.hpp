// Running a part of a fiber on another scheduler.
//
//     auto const row = co_await coir::on(pool, parse(text));      // there, and then here again
//     co_await (show(row) | coir::on(ui_loop));
//
// Use it where code belongs to a certain thread, as with a GUI's loop, or away from this one. To
// run a blocking call elsewhere there is blocking().
#pragma once

#include <coir/detail/on_operation.hpp>
#include <coir/detail/pipe.hpp>

namespace coir::inline v0 {

// Awaits `aw` in a fiber of `s`, and goes on here with its value, a reference being copied; its
// failure, defect or interrupted outcome is the result's. `aw`'s own objects (a task's frame and
// arguments) are destroyed there. What is interrupted here is interrupted there, and the await
// ends when that has cleaned up. A shutdown of `s` interrupts it too and waits for it, unless the
// caller is in a mask; then, and if `s` is down already, it ends as interrupted. `s` must run, or
// the caller waits for it; it is alive until the await has ended. If the caller runs on `s`
// itself, this is a plain await. O(1), two cached allocations and two posts.
template <awaitable A>
auto on(scheduler& s, A&& aw) {
    using op = detail::operation_of<A>;
    return detail::on_operation<op>{s, detail::to_operation(std::forward<A>(aw))};
}

// `aw | on(s)`.
inline auto on(scheduler& s) {
    return detail::make_piped([to = &s](auto&& aw) { return coir::on(*to, std::forward<decltype(aw)>(aw)); });
}

} // namespace coir::inline v0
