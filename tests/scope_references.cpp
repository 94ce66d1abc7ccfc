// What a child may refer to, path by path. Under AddressSanitizer each access to a frame, an
// argument or a capture that is gone fails; without it, guarded values say so.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/testing/explore.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using coir::scope;
using coir::task;
using coir::test_scheduler;
using coir_test::failed;
using coir_test::never_ends;

namespace {

struct tally {
    std::atomic<int> uses{0};
    std::atomic<int> misuses{0};
};

// Something on a frame that a child uses to the end of its clean-up.
class local {
public:
    explicit local(tally& t) : tally_{&t} {}
    local(local const&) = delete;
    local& operator=(local const&) = delete;
    ~local() {
        alive_ = false;
        *text_ = "gone";
    }
    void use() const {
        bool const right = alive_ && *text_ == "alive and long enough to be on the heap";
        ++(right ? tally_->uses : tally_->misuses);
    }

private:
    tally* tally_;
    bool volatile alive_ = true;
    std::unique_ptr<std::string> text_ = std::make_unique<std::string>("alive and long enough to be on the heap");
};

task<> use_later(local const& l) {
    co_await coir::sleep_for(100us);
    co_await coir::yield();
    l.use();
}

// Uses it while it works and once more while it cleans up.
task<> uses(local const& l) {
    co_await coir::yield();
    l.use();
    co_await coir::ensuring(never_ends(), [&l] { return use_later(l); });
}

enum class path { failure, child_fails, interruption, timed_out, join, died_elsewhere };
constexpr path all_paths[] = {path::failure,   path::child_fails, path::interruption,
                              path::timed_out, path::join,        path::died_elsewhere};

task<int, failed> fails() {
    co_await coir::sleep_for(100us);
    co_await coir::fail(failed{1});
    co_return 0;
}

// How the frame that has the local ends. A return or an exception would leave it without asking.
task<int, failed> ends(path p, scope<failed>& s) {
    co_await coir::sleep_for(200us);
    switch (p) {
    case path::failure: co_await coir::fail(failed{1}); break;
    case path::child_fails: s.fork(fails); break;
    case path::died_elsewhere:
        s.fork([]() -> task<> {
            co_await coir::yield();
            throw std::runtime_error("died");
        });
        break;
    case path::interruption:
    case path::timed_out: break;
    case path::join: s.request_interrupt(); co_return 1;
    }
    co_await never_ends();
    co_return 0;
}

constexpr int children = 3;

task<int, failed> body_with_local(path p, scope<failed>& s, tally& count) {
    local const mine{count};
    for (int i = 0; i < children; ++i) {
        s.fork(uses, std::cref(mine));
    }
    int const v = co_await ends(p, s);
    co_await s.join();
    co_return v;
}

// The same with the local on a frame below the body's.
task<int, failed> helper_with_local(path p, scope<failed>& s, tally& count) {
    co_return co_await body_with_local(p, s, count);
}

// The child that forks others is the one with the local; it waits for them as it knows them.
task<int, failed> child_with_local(path p, scope<failed>& s, tally& count) {
    auto const child = [&]() -> task<int, failed> {
        local const mine{count};
        for (int i = 0; i < children; ++i) {
            coir::fork(uses, std::cref(mine));
        }
        co_return co_await ends(p == path::join ? path::failure : p, s);
    };
    auto const f = s.fork(child);
    co_return co_await f;
}

using owner = task<int, failed> (*)(path, scope<failed>&, tally&);

// Runs one path to its end. In virtual time every child has begun by then, and so uses the local
// once while it works and once while it cleans up.
template <class Scheduler>
void run_path(Scheduler& s, owner how, path p) {
    tally count;
    auto body = [&](scope<failed>& in) { return how(p, in, count); };
    auto const work = [&]() -> task<int, failed> {
        if (p == path::timed_out) {
            static_cast<void>(co_await coir::timeout(coir::with_scope<failed>(body), 500us));
            co_return 0;
        }
        co_return co_await coir::with_scope<failed>(body);
    };
    auto const asks = [&]() -> task<> {
        auto const f = coir::fork(work);
        if (p == path::interruption) {
            co_await coir::sleep_for(500us);
            f.request_interrupt();
        }
        static_cast<void>(co_await f.await());
    };
    CHECK(s.run(asks).is_success());
    CHECK(count.misuses == 0);
    if constexpr (std::same_as<Scheduler, test_scheduler>) {
        CHECK(count.uses == 2 * children);
    }
}

} // namespace

TEST_CASE("children may refer to the body's locals on every path but a plain return [F6]") {
    for (path const p : all_paths) {
        INFO("path " << static_cast<int>(p));
        coir::explore(20, [p](test_scheduler& s) { run_path(s, body_with_local, p); });
    }
}

TEST_CASE("and to the locals of what the body calls [F6]") {
    for (path const p : all_paths) {
        INFO("path " << static_cast<int>(p));
        coir::explore(20, [p](test_scheduler& s) { run_path(s, helper_with_local, p); });
    }
}

TEST_CASE("a child's own children may refer to its locals [F5, F6]") {
    for (path const p : all_paths) {
        INFO("path " << static_cast<int>(p));
        coir::explore(20, [p](test_scheduler& s) { run_path(s, child_with_local, p); });
    }
}

TEST_CASE("the same on several threads [F6]") {
    for (unsigned round = 0; round < 20 * coir_test::stress_scale(); ++round) {
        coir::thread_pool pool{3};
        for (path const p : all_paths) {
            INFO("path " << static_cast<int>(p));
            run_path(pool, body_with_local, p);
            run_path(pool, helper_with_local, p);
        }
    }
}

TEST_CASE("what a helper forked ends with its frame, though the body goes on, and the rest is left alone [F6]") {
    tally count;
    bool others_interrupted = true;
    auto const helper = [&](scope<failed>& s) -> task<int, failed> {
        local const mine{count};
        s.fork(uses, std::cref(mine));
        co_return co_await fails();
    };
    auto body = [&](scope<failed>& s) -> task<int, failed> {
        auto const other = s.fork([]() -> task<int> {
            co_await coir::sleep_for(5ms);
            co_return 2;
        });
        auto const end = co_await coir::as_result(helper(s));
        CHECK_FALSE(end.has_value());
        CHECK(s.size() == 1);
        CHECK(count.uses == 2);
        co_await other;
        others_interrupted = false;
        co_return 1;
    };
    auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(t).value() == 1);
    CHECK_FALSE(others_interrupted);
}

TEST_CASE("what a helper forked that returns belongs to the frame it returned to [F6]") {
    tally count;
    auto const forks = [](scope<failed>& s, local const& l) -> task<> {
        s.fork(uses, std::cref(l));
        co_return;
    };
    auto const helper = [&](scope<failed>& s) -> task<int, failed> {
        local const mine{count};
        co_await forks(s, mine);
        co_return co_await fails();
    };
    auto body = [&](scope<failed>& s) -> task<int, failed> {
        auto const end = co_await coir::as_result(helper(s));
        CHECK(s.size() == 0);
        co_return end.has_value() ? 0 : 1;
    };
    auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(t).value() == 1);
    CHECK(count.uses == 2);
}

TEST_CASE("a body of an inner scope may fork into an outer one, and its frame waits [F6]") {
    tally count;
    auto outer = [&](scope<failed>& out) -> task<int, failed> {
        auto inner = [&](scope<failed>& in) -> task<int, failed> {
            local const mine{count};
            out.fork(uses, std::cref(mine));
            in.fork(uses, std::cref(mine));
            co_return co_await fails();
        };
        auto const end = co_await coir::as_result(coir::with_scope<failed>(inner));
        CHECK(out.size() == 0);
        co_return end.has_value() ? 0 : 1;
    };
    auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(outer); };
    CHECK(test_scheduler{}.run(t).value() == 1);
    CHECK(count.uses == 4);
}

TEST_CASE("a body that fails is the first cause, though children die while it waits for them [I12]") {
    auto body = [](scope<failed>& s) -> task<int, failed> {
        s.fork([]() -> task<> {
            auto const dies = []() -> task<> {
                co_await coir::sleep_for(1ms);
                throw std::runtime_error("clean-up");
            };
            auto const masked = [&]() -> task<> { co_await coir::uninterruptible(dies()); };
            co_await masked();
        });
        co_await coir::yield();
        co_await coir::fail(failed{1});
        co_return 0;
    };
    auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    auto const end = test_scheduler{}.run(t);
    CHECK(end.error().code == 1);
    CHECK(end.suppressed().size() == 1);
}

TEST_CASE("locals of the body are destroyed while it unwinds, after the children and before finalizers") {
    std::string log;
    struct notes {
        std::string* to;
        ~notes() { *to += coir::is_unwinding() ? "local(unwinding) " : "local "; }
    };
    auto body = [&](scope<failed>& s) -> task<int, failed> {
        notes const here{&log};
        s.add_finalizer([&]() -> task<> {
            log += "finalizer ";
            co_return;
        });
        auto const cleans_up = [&]() -> task<> {
            co_await coir::ensuring(never_ends(), [&]() -> task<> {
                log += "child ";
                co_return;
            });
        };
        s.fork(cleans_up);
        co_await coir::yield();
        coir::fork(cleans_up); // a child of the fiber: it ends before the frame too
        co_await coir::yield();
        co_return co_await fails();
    };
    auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(t).is_failure());
    CHECK(log == "child child local(unwinding) finalizer ");
}

TEST_CASE("parameters of a body's coroutine and captures of the body outlive the children, however it ends") {
    tally count;
    enum class how { returns, dies, fails };
    for (how const h : {how::returns, how::dies, how::fails}) {
        count.uses = 0;
        auto const takes = [h](scope<failed>& s, std::unique_ptr<local> parameter) -> task<int, failed> {
            s.fork(uses, std::cref(*parameter));
            co_await coir::sleep_for(1ms);
            switch (h) {
            case how::returns: break;
            case how::dies: throw std::runtime_error("died");
            case how::fails: co_return coir::fail(failed{1});
            }
            co_return 1;
        };
        auto body = [&, captured = std::make_shared<local>(count)](scope<failed>& s) {
            s.fork(uses, std::cref(*captured));
            s.fork([&s]() -> task<> {
                co_await coir::sleep_for(2ms);
                s.request_interrupt();
            });
            return takes(s, std::make_unique<local>(count));
        };
        auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(coir::moved(body)); };
        auto const end = test_scheduler{}.run(t);
        CHECK(end.is_success() == (h == how::returns));
        CHECK(end.is_defect() == (h == how::dies));
        CHECK(count.uses == 4);
        CHECK(count.misuses == 0);
    }
}

TEST_CASE("callables and arguments live as long as their child, which may be longer than who forked it") {
    tally count;
    auto body = [&](scope<>& s) -> task<> {
        auto const forks = [&]() -> task<> {
            auto const work = [kept = std::make_shared<local>(count)](std::unique_ptr<local> argument) -> task<> {
                co_await coir::sleep_for(1ms);
                kept->use();
                argument->use();
            };
            s.fork(work, std::make_unique<local>(count));
            co_return;
        };
        s.fork(forks);
        co_return;
    };
    auto const t = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK(count.uses == 2);
}

TEST_CASE("a body that runs behind a mask, in a region, or as a member of when_all keeps its frame too [F6]") {
    tally count;
    auto body = [&](scope<failed>& s) { return body_with_local(path::child_fails, s, count); };
    auto const t = [&]() -> task<> {
        auto const masked = co_await coir::as_result(coir::uninterruptible(coir::with_scope<failed>(body)));
        CHECK_FALSE(masked.has_value());
        auto const limited = co_await coir::as_result(coir::timeout(coir::with_scope<failed>(body), 1h));
        CHECK_FALSE(limited.has_value());
        auto const member =
            co_await coir::as_result(coir::when_all(coir::with_scope<failed>(body), coir::sleep_for(1h)));
        CHECK_FALSE(member.has_value());
    };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK(count.uses == 3 * 2 * children);
}
