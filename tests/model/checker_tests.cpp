// The explorer finds what it is there to find: each planted mistake is reported as the property
// it breaks, within few schedules, and the same program without the mistake passes.
#include "explorer.hpp"

#include <coir/detail/atomic.hpp>
#include <coir/detail/spin_lock.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <mutex>
#include <stdexcept>

namespace {

using coir::detail::atomic;
using coir::detail::spin_lock;
using model::property;
using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

using program = std::function<void(model::run&)>;

void require_clean(const model::options& how, const program& body) {
    const auto result = model::explore(how, body);
    INFO(result.text());
    CHECK(result.complete);
    CHECK_FALSE(result.failure);
}

// Returns the failure, which must come within so many schedules and must come again on replay.
model::failure require_found(property expected, std::uint64_t within, const program& body,
                             model::options how = {.preemptions = 3}) {
    const auto result = model::explore(how, body);
    INFO(result.text());
    REQUIRE(result.failure);
    CHECK(model::name(result.failure->broken) == model::name(expected));
    CHECK(result.schedules() <= within);
    how.replay = result.failure->schedule;
    const auto again = model::explore(how, body);
    REQUIRE(again.failure);
    CHECK(again.failure->trace == result.failure->trace);
    return *result.failure;
}

void counter(model::run& run, bool atomically) {
    auto* count = new atomic<int>{0};
    const auto add = [=] {
        if (atomically) count->fetch_add(1);
        else count->store(count->load() + 1);
    };
    run.thread("one", add);
    run.thread("two", add);
    run.finally([=] {
        MODEL_ASSERT(count->load() == 2, "no update is lost");
        delete count;
    });
}

void message(model::run& run, std::memory_order publish, std::memory_order look) {
    struct box {
        int content = 0;
        atomic<bool> ready{false};
    };
    auto* shared = new box;
    run.thread("writer", [=] {
        shared->content = 42;
        shared->ready.store(true, publish);
    });
    run.thread("reader", [=] {
        if (shared->ready.load(look)) MODEL_ASSERT(shared->content == 42);
    });
    run.finally([=] { delete shared; });
}

// Treiber's stack. A pop that frees what it took is wrong as soon as another is looking.
struct stack {
    struct node {
        node* next = nullptr;
    };
    atomic<node*> head{nullptr};

    void push(node* n) {
        n->next = head.load(memory_order_relaxed);
        while (!head.compare_exchange_weak(n->next, n, memory_order_acq_rel, memory_order_relaxed)) {}
    }
    node* pop() {
        auto* top = head.load(memory_order_acquire);
        while (top != nullptr && !head.compare_exchange_weak(top, top->next, memory_order_acq_rel, memory_order_acquire)) {}
        return top;
    }
};

void locked_twice(model::run& run, bool same_order) {
    struct locks {
        spin_lock a, b;
        int guarded = 0;
    };
    auto* all = new locks;
    const auto visit = [all](spin_lock& first, spin_lock& second) {
        std::lock_guard outer{first};
        std::lock_guard inner{second};
        ++all->guarded;
    };
    run.thread("one", [=] { visit(all->a, all->b); });
    run.thread("two", [=] { same_order ? visit(all->a, all->b) : visit(all->b, all->a); });
    run.finally([=] {
        MODEL_ASSERT(all->guarded == 2);
        delete all;
    });
}

// Dekker's entry: the flags must be seq_cst, or both may go in.
void dekker(model::run& run, std::memory_order store, std::memory_order load) {
    struct gate {
        atomic<bool> wants[2];
        atomic<int> inside{0};
    };
    auto* shared = new gate;
    const auto visit = [=](int me) {
        shared->wants[me].store(true, store);
        if (shared->wants[1 - me].load(load)) return;
        MODEL_ASSERT(shared->inside.fetch_add(1) == 0, "one at a time");
        shared->inside.fetch_sub(1);
    };
    run.thread("left", [=] { visit(0); });
    run.thread("right", [=] { visit(1); });
    run.finally([=] { delete shared; });
}

void hand_over(model::run& run, bool store_first) {
    auto* word = new atomic<int>{0};
    run.thread("waiter", [=] { word->wait(0, memory_order_acquire); });
    run.thread("waker", [=] {
        if (!store_first) word->notify_one();
        word->store(1, memory_order_release);
        if (store_first) word->notify_one();
    });
    run.finally([=] { delete word; });
}

} // namespace

TEST_CASE("a lost update is found, with one preemption") {
    const auto found = require_found(property::assertion, 10, [](model::run& run) { counter(run, false); });
    CHECK(found.message.find("no update is lost") != std::string::npos);
    CHECK(found.trace.find("1:one") != std::string::npos);
    require_clean({.preemptions = 3}, [](model::run& run) { counter(run, true); });
}

TEST_CASE("a message published without release, or read without acquire, is a data race") {
    require_found(property::data_race, 10,
                  [](model::run& run) { message(run, memory_order_relaxed, memory_order_acquire); });
    require_found(property::data_race, 10,
                  [](model::run& run) { message(run, memory_order_release, memory_order_relaxed); });
    require_clean({.preemptions = 3, .deviations = 2},
                  [](model::run& run) { message(run, memory_order_release, memory_order_acquire); });
}

TEST_CASE("a stack that frees what another pop is looking at is use after free") {
    const auto body = [](model::run& run) {
        auto* all = new stack;
        all->push(new stack::node);
        all->push(new stack::node);
        const auto take = [=] { delete all->pop(); };
        run.thread("one", take);
        run.thread("two", take);
        run.finally([=] { delete all; });
    };
    const auto result = model::explore({.preemptions = 2}, body);
    REQUIRE(result.failure);
    CHECK(result.schedules() <= 30);
    // Which of the two depends on who comes first: the look or the free.
    CHECK((result.failure->broken == property::use_after_free || result.failure->broken == property::data_race));
}

TEST_CASE("ABA: a stack whose nodes come back loses one") {
    require_found(property::assertion, 400, [](model::run& run) {
        // Nodes are numbers, so that nothing is ever freed; a node's link is atomic, so that it
        // does not race with who pops the node.
        auto* head = new atomic<int>{0};
        auto* below = new std::array<atomic<int>, 3>;
        (*below)[1].store(2);
        head->store(1);
        const auto pop = [=] {
            int top = head->load();
            while (top != 0) {
                const int under = (*below)[static_cast<std::size_t>(top)].load();
                if (head->compare_exchange_strong(top, under)) break;
            }
            return top;
        };
        const auto push = [=](int node) {
            int top = head->load();
            do (*below)[static_cast<std::size_t>(node)].store(top);
            while (!head->compare_exchange_strong(top, node));
        };
        run.thread("popper", [=] { MODEL_ASSERT(pop() != 0); });
        run.thread("recycler", [=] {
            const int first = pop();
            const int second = pop();
            if (first != 0) push(first);
            // The second is this thread's own now: nobody else may meet it.
            if (second != 0) MODEL_ASSERT(head->load() != second, "a node has one owner");
        });
        run.finally([=] {
            delete head;
            delete below;
        });
    });
}

TEST_CASE("locks taken in opposite orders deadlock") {
    const auto found = require_found(property::deadlock, 30, [](model::run& run) { locked_twice(run, false); });
    CHECK(found.message.find("spins") != std::string::npos);
    require_clean({.preemptions = 3}, [](model::run& run) { locked_twice(run, true); });
}

TEST_CASE("a notification before the change it tells of is a lost wake") {
    const auto found = require_found(property::deadlock, 10, [](model::run& run) { hand_over(run, false); });
    CHECK(found.message.find("waits for") != std::string::npos);
    require_clean({.preemptions = 3, .deviations = 2}, [](model::run& run) { hand_over(run, true); });
}

TEST_CASE("mutual exclusion that needs seq_cst fails without it, only under weak memory") {
    const auto weaker = [](model::run& run) { dekker(run, memory_order_release, memory_order_acquire); };
    require_clean({.preemptions = 3}, weaker);
    const auto found = require_found(property::assertion, 200, weaker, {.preemptions = 2, .deviations = 1});
    CHECK(found.message.find("one at a time") != std::string::npos);
    require_clean({.preemptions = 3, .deviations = 3},
                  [](model::run& run) { dekker(run, memory_order_seq_cst, memory_order_seq_cst); });
}

TEST_CASE("a lock that is touched after its release, when the next owner may free it") {
    const auto program = [](bool touch) {
        return [touch](model::run& run) {
            struct counted {
                atomic<int> owners{2};
            };
            auto* shared = new counted;
            const auto leave = [=] {
                const bool last = shared->owners.fetch_sub(1, memory_order_acq_rel) == 1;
                if (last) delete shared;
                else if (touch) static_cast<void>(shared->owners.load(memory_order_relaxed));
            };
            run.thread("one", leave);
            run.thread("two", leave);
        };
    };
    const auto result = model::explore({.preemptions = 2}, program(true));
    REQUIRE(result.failure);
    CHECK(result.schedules() <= 20);
    CHECK((result.failure->broken == property::use_after_free || result.failure->broken == property::data_race));
    require_clean({.preemptions = 3, .deviations = 2}, program(false));
}

TEST_CASE("a reference count that is not acquired before the object goes is a data race") {
    require_found(property::data_race, 10, [](model::run& run) {
        struct counted {
            int content = 0;
            atomic<int> owners{2};
        };
        auto* shared = new counted;
        const auto leave = [=] {
            if (shared->owners.fetch_sub(1, memory_order_relaxed) == 1) delete shared;
        };
        run.thread("one", leave);
        run.thread("two", leave);
    });
}

TEST_CASE("an atomic that died on another thread's stack is use after free") {
    auto result = model::explore({.preemptions = 2}, [](model::run& run) {
        auto* where = new atomic<atomic<int>*>{nullptr};
        run.thread("owner", [=] {
            atomic<int> local{1};
            where->store(&local, memory_order_release);
        });
        run.thread("guest", [=] {
            if (auto* local = where->load(memory_order_acquire)) local->load();
        });
        run.finally([=] { delete where; });
    });
    INFO(result.text());
    REQUIRE(result.failure);
    CHECK(model::name(result.failure->broken) == model::name(property::use_after_free));
}

TEST_CASE("a leak and a second free are found") {
    require_found(property::leak, 1, [](model::run& run) {
        // volatile: what nobody looks at, the compiler need not allocate.
        run.thread("careless", [] { [[maybe_unused]] int* volatile lost = new int{1}; });
    });
    require_found(property::bad_free, 1, [](model::run& run) {
        auto* twice = new int{1};
        run.thread("one", [=] { delete twice; });
        run.thread("two", [=] { delete twice; });
    });
}

TEST_CASE("a program that never ends is a livelock, one whose threads all spin a deadlock") {
    require_found(property::livelock, 1, [](model::run& run) {
        auto* word = new atomic<int>{0};
        run.thread("busy", [=] { for (;;) ++*word; });
    });
    require_found(property::deadlock, 1, [](model::run& run) {
        auto* word = new atomic<int>{0};
        run.thread("spinner", [=] { while (word->load() == 0) COIR_CPU_PAUSE(); });
    });
}

TEST_CASE("an exception that leaves a thread is a failure, one that is caught is not") {
    const auto found = require_found(property::exception, 1, [](model::run& run) {
        run.thread("thrower", [] { throw std::logic_error("planted"); });
    });
    CHECK(found.message.find("planted") != std::string::npos);
    require_clean({.preemptions = 2}, [](model::run& run) {
        auto* word = new atomic<int>{0};
        // Both threads are inside of a handler at once, in some schedules.
        const auto visit = [=](int mine) {
            try {
                throw mine;
            } catch (int caught) {
                ++*word;
                try {
                    throw;
                } catch (int again) {
                    MODEL_ASSERT(again == caught && caught == mine);
                }
            }
        };
        run.thread("one", [=] { visit(1); });
        run.thread("two", [=] { visit(2); });
        run.finally([=] { delete word; });
    });
}

TEST_CASE("a body that is not deterministic is told so") {
    int runs = 0;
    const auto result = model::explore({.preemptions = 2}, [&runs](model::run& run) {
        const int accesses = 1 + runs++ % 3;
        auto* word = new atomic<int>{0};
        const auto visit = [=] { for (int i = 0; i < accesses; ++i) ++*word; };
        run.thread("one", visit);
        run.thread("two", visit);
        run.thread("three", visit);
        run.finally([=] { delete word; });
    });
    REQUIRE(result.failure);
    CHECK(model::name(result.failure->broken) == model::name(property::misuse));
}

TEST_CASE("the number of schedules is the number of interleavings") {
    // Two threads of three accesses each: C(6, 3) = 20 orders, all within five preemptions.
    const auto result = model::explore({.preemptions = 5}, [](model::run& run) {
        auto* word = new atomic<int>{0};
        const auto visit = [=] { for (int i = 0; i < 3; ++i) word->load(); };
        run.thread("one", visit);
        run.thread("two", visit);
        run.finally([=] { delete word; });
    });
    CHECK(result.bounds.front().schedules == 2);
    CHECK(result.bounds.back().schedules == 20);
}
