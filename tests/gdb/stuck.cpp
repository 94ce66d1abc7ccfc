// A program with fibers in every state, for gdb to look at: it writes its own dumps to the two files named
// and then stops where gdb has a breakpoint.
#include <coir/coir.hpp>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace coir;
using namespace std::chrono_literals;

// The breakpoint.
extern "C" COIR_NOINLINE void look_at(scheduler* which) { // NOLINT: for gdb to see
    __asm__ volatile("" : : "r"(which) : "memory");
}

namespace {

struct program {
    deferred<int> never;
    queue<int> jobs{unbounded()};

    task<> waits() { co_await never; }
    task<> sleeps() { co_await sleep_for(24h); }
    task<> pops() { co_await jobs.pop(); }
    task<> calls(int depth) {
        if (depth > 0) {
            co_await calls(depth - 1);
        } else {
            co_await uninterruptible(waits());
        }
    }
    task<> joins(fiber<> f) { co_await f; }
    task<> awaits(fiber<> f) { co_await f.await(); }
    task<> scoped() {
        auto const body = [this](scope<>& s) -> task<> {
            s.fork([this] { return waits(); });
            s.fork([this] { return sleeps(); });
            co_return;
        };
        co_await with_scope(body);
    }
    task<> ends() {
        fork(fork_options{.name = "kept from ending"}, [this] { return calls(0); });
        co_await yield();
    }

    // Streams. The stages have fibers, and those pull stages that have some.
    auto stuck_stream() {
        auto const work = [this](int x) -> task<int> { co_return x + co_await never; };
        return streams::from(std::vector<int>{1, 2, 3}) | streams::transform_par(2, work) | streams::buffer(1) |
               streams::merge(streams::never_ends<int>());
    }
    task<> pulls() { co_await (stuck_stream() | streams::drain()); }
    // Behind a child of its own; of two streams the one that began later comes first.
    task<> pulls_two_stored() {
        fork([this] { return waits(); });
        stream<int> first = streams::iota(1) | streams::buffer(1);
        stream<int> second = stuck_stream();
        co_await (streams::zip(std::move(first), std::move(second)) | streams::drain());
    }
    task<> pulls_by_hand() {
        auto const body = [](auto& in) -> task<> { co_await next(in); };
        co_await with_stream(stuck_stream(), body);
    }
    // The fiber that pulled has ended, so those of the streams are below nobody.
    task<> pulled_once() {
        auto const body = [this](auto& in) -> task<> {
            auto const pull = [&in]() -> task<> { co_await next(in); };
            co_await fork(pull);
            co_await never;
        };
        auto first = streams::iota(1) | streams::buffer(1);
        auto second = streams::iota(1) | streams::merge(stuck_stream());
        co_await with_stream(streams::zip(std::move(first), std::move(second)), body);
    }
    task<> closes() {
        auto const release = [this]() -> task<> { co_await never; };
        auto held = streams::never_ends<int>() | streams::ensuring(release);
        co_await (std::move(held) | streams::buffer(1) | streams::drain());
    }

    task<> everything(run_loop& loop, char const* plain, char const* stacks) {
        auto const named = [](char const* name) { return fork_options{.name = name}; };
        fork(named("sleeper"), [this] { return sleeps(); });
        auto const consumer = fork(named("consumer"), [this] { return pops(); });
        auto const deep = fork(named("a long name that no small string holds"), [this] { return calls(3); });
        fork(named("joins"), [this, consumer] { return joins(consumer); });
        fork(named("awaits"), [this, consumer] { return awaits(consumer); });
        fork(named("scoped"), [this] { return scoped(); });
        fork(named("ends"), [this] { return ends(); });
        fork(named("pulls"), [this] { return pulls(); });
        fork(named("pulls two"), [this] { return pulls_two_stored(); });
        fork(named("pulls by hand"), [this] { return pulls_by_hand(); });
        fork(named("pulled once"), [this] { return pulled_once(); });
        auto const closing = fork(named("closes"), [this] { return closes(); });
        for (int i = 0; i < 20; ++i) {
            co_await yield();
        }
        deep.request_interrupt();
        closing.request_interrupt();
        for (int i = 0; i < 5; ++i) {
            co_await yield();
        }
        fork(named("ready"), [this] { return waits(); });
        std::ofstream{plain} << dump(loop);
        std::ofstream{stacks} << dump(loop, {.stacks = true});
        look_at(&loop);
        never.succeed(1);
        jobs.close();
    }
};

} // namespace

int main(int, char** files) {
    program p;
    run_loop loop;
    auto const end = loop.run([&] { return p.everything(loop, files[1], files[2]); });
    return end.is_success() ? 0 : 1;
}
