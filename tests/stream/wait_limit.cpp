// A stage that listens to an upstream and to the clock, made with wait_limit.
#include "everywhere_support.hpp"

#include <coir/stream/concurrent/inlets.hpp>
#include <coir/stream/concurrent/wait_limit.hpp>
#include <coir/testing/explore.hpp>

#include "support/effort.hpp"

using namespace stream_test;

namespace {

using coir::detail::fiber_base;
using coir::detail::inlet_base;
using coir::detail::status;

template <class Up>
struct idle_state : coir::detail::inlets_state<Up> {
    idle_state(fiber_base& f, std::tuple<Up>& ups)
        : coir::detail::inlets_state<Up>{"an element or a deadline", f, ups} {}

    coir::detail::wait_limit limit;
    std::optional<coir::clock::time_point> deadline;
};

// Gives -1 whenever upstream was silent for `quiet`.
template <class Up>
class idle_stage : public coir::detail::inlets_stage<idle_state<Up>, Up> {
public:
    using value_type = int;

    idle_stage(Up&& up, std::chrono::milliseconds quiet)
        : coir::detail::inlets_stage<idle_state<Up>, Up>{std::move(up)}, quiet_{quiet} {}

    status poll_next(fiber_base& f, std::optional<int>& out) {
        auto& st = this->started(f);
        if (!st.deadline) {
            st.deadline = f.where().now() + quiet_;
        }
        for (;;) {
            inlet_base* from = nullptr;
            status const s = st.limit.wait(st.scope, f, *st.deadline, [&] { return st.news.pop(from); });
            if (s == status::end) {
                out.emplace(-1);
            } else if (s != status::value) {
                return s;
            } else if (from->has_element()) {
                st.in.only().take(out);
            } else if (from->has_ended()) {
                return status::end;
            }
            st.deadline.reset();
            return status::value;
        }
    }

private:
    std::chrono::milliseconds quiet_;
};

template <class Up>
auto with_idle(Up up, std::chrono::milliseconds quiet) {
    return idle_stage<Up>{std::move(up), quiet};
}

} // namespace

TEST_CASE("a stage waits for an element or until a deadline [X24]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        auto const all = s.run(
            []() -> task<numbers> { co_return co_await (with_idle(ticking(7ms, 2), 3ms) | streams::to_vector()); });
        CHECK(all.value() == numbers{-1, -1, 1, -1, -1, 2});
        CHECK(s.elapsed() == 14ms);
    });
}

TEST_CASE("what is there counts before a deadline that has passed [X24]") {
    test_scheduler s;
    auto const all = s.run([]() -> task<numbers> {
        auto const slow = [](int n) -> task<int> {
            co_await sleep_for(10ms);
            co_return n;
        };
        co_return co_await (with_idle(ticking(1ms, 3), 0ms) | streams::transform(slow) | streams::take(5) |
                            streams::to_vector());
    });
    CHECK(all.value() == numbers{-1, 1, 2, 3});
}

TEST_CASE("a deadline far away is never armed too early nor left behind [X20]") {
    test_scheduler s;
    auto const all =
        s.run([]() -> task<numbers> { co_return co_await (with_idle(ticking(1ms, 3), 24h) | streams::to_vector()); });
    CHECK(all.value() == numbers{1, 2, 3});
    CHECK(s.elapsed() == 3ms);
}

TEST_CASE("a wait with a deadline interrupted everywhere [X21]") {
    everywhere([](ledger& b) {
        return closed_by(b, with_idle(closed_by(b, guarded_source(b, 2)), 1ms)) | streams::take(6) | streams::drain();
    });
    everywhere([](ledger& b) -> task<> {
        co_await coir::as_result(closed_by(b, with_idle(closed_by(b, guarded_source(b, 2)), 3ms)) |
                                 streams::timeout_fail(2ms, err{1}) | streams::drain());
    });
}
