// Explores the interleavings of a few threads that run real code on checked atomics.
//
//     auto result = model::explore({.preemptions = 2}, [](model::run& run) {
//         auto* cell = new box;
//         run.thread("writer", [=] { cell->set(1); });
//         run.thread("reader", [=] { MODEL_ASSERT(cell->get() <= 1); });
//         run.finally([=] { delete cell; });
//     });
//     REQUIRE_FALSE(result.failure);
//
// The body is run once per schedule and must be deterministic: it may not look at the time, at
// real threads or at anything that an earlier schedule left behind. Model threads must not share
// a std::shared_ptr or another counter that is not built on coir::detail::atomic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <atomic>

namespace model {

/// A memory order that the program asks for: by which operation, and where. A compare-exchange
/// asks for two.
struct order_site {
    enum class operation { load, store, modify, compare_exchange, failed_compare_exchange, fence };

    std::source_location at;
    operation what;
    std::memory_order order;

    [[nodiscard]] bool operator==(const order_site&) const noexcept;
    /// "waiter_list.hpp waiter_list::push, load acquire"; two of a function may have the same.
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] std::string_view name(std::memory_order);

/// Runs the program as if it asked for another order in one place.
struct weakening {
    order_site where;
    std::memory_order to;
};

struct options {
    /// How often a thread may be interrupted although it could go on. Bounds 0, 1, ... up to this
    /// one are explored in turn, so that a counterexample has the fewest preemptions possible.
    std::size_t preemptions = 2;
    /// How often in a schedule memory may behave weaker than sequential consistency: a load that
    /// returns an old store, a store placed behind in modification order, a spurious failure of
    /// a weak compare-exchange. 0 is sequential consistency (data races are still found).
    std::size_t deviations = 0;
    /// Give up (with `complete` false) after so many schedules; 0 is no limit.
    std::uint64_t max_schedules = 0;
    /// Accesses in a schedule after which it counts as a livelock.
    std::size_t max_steps = 5000;
    /// A mistake to plant.
    std::optional<weakening> weaken = {};
    /// Run only this schedule, as printed by a failure.
    std::string replay = {};
};

enum class property { assertion, data_race, use_after_free, bad_free, leak, deadlock, livelock, waiting, exception, misuse };

[[nodiscard]] std::string_view name(property);

struct failure {
    property broken;
    std::string message;
    std::string trace;    // every access of the failing schedule, one line each
    std::string schedule; // for options::replay
};

struct statistics {
    std::uint64_t schedules = 0;
    std::size_t max_choices = 0; // the longest path of choices in a schedule
    std::size_t max_accesses = 0;
};

struct result {
    std::vector<statistics> bounds; // one per preemption bound tried
    bool complete = true;           // every schedule within the bounds was run
    std::vector<order_site> orders; // what the program asked for, in the order of the source
    std::optional<model::failure> failure;

    [[nodiscard]] std::uint64_t schedules() const;
    /// The numbers, and the failure with its trace if there is one.
    [[nodiscard]] std::string text() const;
};

/// One schedule, as the body sees it.
class run {
public:
    /// Adds a thread; all start when the body has returned. At most seven.
    void thread(std::string name, std::function<void()> function);
    /// Adds something to do after all threads have ended, in the order added.
    void finally(std::function<void()> function);

private:
    friend struct run_access;
    struct model_thread {
        std::string name;
        std::function<void()> function;
    };
    std::vector<model_thread> threads_;
    std::vector<std::function<void()>> last_;
};

/// Runs every schedule of the body within the bounds, or up to the first that fails.
[[nodiscard]] result explore(const options&, const std::function<void(run&)>& body);

/// Tells the explorer that the thread waits for another: it is not scheduled again before
/// another thread has written something. Every spin loop needs it, or COIR_CPU_PAUSE.
void yield();

/// While there is one, its thread must not wait for another: yield() fails the schedule.
class no_waiting {
public:
    no_waiting();
    ~no_waiting();
    no_waiting(const no_waiting&) = delete;
    no_waiting& operator=(const no_waiting&) = delete;
};

/// Blocks the thread while the location holds `old`; nobody needs to notify. It is no access and
/// orders nothing: for what a scenario waits for, where a real thread would sleep.
template <template <class> class Atomic, class T>
void await_change(const Atomic<T>& location, std::type_identity_t<T> old) {
    location.await_change(old);
}

/// An atomic_thread_fence of the model.
void fence(std::memory_order, std::source_location = std::source_location::current());

/// Gives the memory of an object a name in traces.
void label(const void* object, std::size_t size, std::string name);
template <class T>
void label(const T& object, std::string name) {
    label(&object, sizeof(T), std::move(name));
}

/// Gives every model thread its own copy of a thread_local, which all of them share by nature;
/// call it in the body. What it holds now is what each thread starts with.
void per_thread(void* object, std::size_t size);
template <class T>
void per_thread(T& object) {
    per_thread(&object, sizeof(T));
}

/// Ends the schedule as failed; use MODEL_ASSERT.
[[noreturn]] void fail(property, const std::string& message, std::source_location = std::source_location::current());

/// The preemption bound asked for by the environment variable COIR_MODEL_BOUND.
[[nodiscard]] std::size_t bound_or(std::size_t otherwise);

} // namespace model

/// Fails the schedule unless the condition holds; a message may name the property.
#define MODEL_ASSERT(...) MODEL_ASSERT_PICK(__VA_ARGS__, MODEL_ASSERT_2, MODEL_ASSERT_1, )(__VA_ARGS__)
#define MODEL_ASSERT_PICK(a, b, chosen, ...) chosen
#define MODEL_ASSERT_1(condition) MODEL_ASSERT_2(condition, #condition)
#define MODEL_ASSERT_2(condition, message)                                                                             \
    ((condition) ? static_cast<void>(0) : ::model::fail(::model::property::assertion, message))
