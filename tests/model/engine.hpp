// The explorer's machinery: it holds the threads of the schedule that runs now, decides who
// goes on, and turns every access into a step of the memory model.
#pragma once

#include "context.hpp"
#include "explorer.hpp"
#include "memory.hpp"
#include "orders.hpp"
#include "sandbox.hpp"
#include "schedule.hpp"

#include <array>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <unordered_set>
#include <vector>

namespace model::detail {

class engine final : private chooser {
public:
    using site = std::source_location;

    static engine& instance();

    result explore(const options&, const std::function<void(run&)>& body);

    /// Whether code of the program under test is running, and not the explorer's own.
    [[nodiscard]] static bool inside() noexcept { return inside_; }
    /// Marks the explorer's own code, whose memory is nobody's business.
    class guard {
    public:
        guard() noexcept : before_(inside_) { inside_ = false; }
        ~guard() { inside_ = before_; }
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;

    private:
        bool before_;
    };

    // Accesses. All of them expect a guard.
    void construct(void* at, std::size_t size, bits initial);
    void destroy(void* at);
    bits load(void* at, std::size_t size, std::memory_order, const site&);
    void store(void* at, std::size_t size, bits value, std::memory_order, const site&);
    bits modify(void* at, std::size_t size, rmw, bits operand, std::memory_order, const site&);
    cas_result compare_exchange(void* at, std::size_t size, bits expected, bits desired, std::memory_order success,
                                std::memory_order failure, bool weak, const site&);
    void fence(std::memory_order, const site&);
    void block(void* at, std::size_t size, bits old, const site&);
    void await_change(void* at, std::size_t size, bits old);
    void notify(void* at, std::size_t size, bool all, const site&);
    void yield();
    void allow_waiting(bool allow) noexcept { self().may_wait = allow; }
    void plain(const void* at, std::size_t size, use how);
    void* allocate(std::size_t size, std::size_t alignment);
    void release(void* p);
    [[nodiscard]] bool owns(const void* p) const noexcept { return sandbox_.contains(p); }

    void label(const void* object, std::size_t size, std::string name);
    void per_thread(void* object, std::size_t size);
    [[noreturn]] void fail(property, std::string message);

private:
    enum class status { ready, yielded, blocked, awaiting, joining, ended };

    struct model_thread {
        context state;
        thread_views views;
        status now = status::ended;
        std::string name;
        std::size_t waits_for = 0;          // the location, if blocked or awaiting
        bits awaited = 0;                   // what the location holds while it must wait
        std::uint64_t own_writes = 0;
        std::uint64_t yielded_at = 0;       // order of yields, for fairness among spinning threads
        std::uint64_t writes_at_yield = 0;  // what others had written when it last came round
        std::uint64_t writes_before = 0;    // and the time before
        bool read_stale = false;            // since the last yield, so that looking again may help
        bool may_wait = true;
        bool just_chosen = true;            // no access since the scheduler chose it
    };
    struct thread_local_object {
        std::byte* address;
        std::vector<std::byte> initial;
        std::array<std::vector<std::byte>, max_threads> copies;
    };
    struct named_region {
        const std::byte* begin;
        std::size_t size;
        std::string name;
    };

    engine();

    // exploration.cpp: schedules
    void explore_bounds(result&);
    statistics explore_bound(result&);
    void run_schedule();
    void start(std::size_t thread, std::string name);
    void main_thread();
    static void thread_entry();
    void after_schedule();
    void capture_failure(result&);

    // scheduling.cpp: who goes on
    void point(const void* at);
    [[nodiscard]] bool is_private(const void* at);
    void used_by_current(location&);
    void count_step();
    void pass_on();
    void resume(std::size_t thread);
    void change_thread_locals(std::size_t from, std::size_t to);
    [[nodiscard]] bool may_run(const model_thread&) const;
    [[nodiscard]] std::uint64_t writes_by_others(const model_thread&) const;
    void offer_others(bool yielded_too);
    void offer_least_recent();
    [[nodiscard]] bool all_ended() const;
    [[noreturn]] void stuck();
    std::size_t deviate(std::size_t options) override;

    // engine.cpp: accesses
    location& locate(void* at, std::size_t size);
    [[nodiscard]] location* find(const void* at);
    void check(const std::optional<violation>&);
    void wrote() noexcept;
    void note(const void* at, const std::string& what, const site&);
    [[nodiscard]] std::string describe(const void* at) const;
    [[nodiscard]] std::string describe(bits value) const;
    [[nodiscard]] model_thread& self() { return threads_[current_]; }

    static inline bool inside_ = false;

    options options_;
    const std::function<void(run&)>* body_ = nullptr;
    run* run_ = nullptr;
    std::size_t preemption_bound_ = 0;
    choice_path path_;

    sandbox sandbox_;
    memory memory_;
    order_book orders_;
    context outside_;
    std::array<model_thread, max_threads> threads_;
    std::size_t thread_count_ = 0;
    std::size_t current_ = 0;
    std::vector<std::size_t> offered_;
    std::unordered_set<const void*> shared_; // atomics that more than one thread uses
    bool learned_ = false;                   // there is a new one since the bound was begun
    std::vector<std::size_t> statics_; // locations outside of the sandbox
    std::vector<named_region> labels_;
    std::vector<thread_local_object> thread_locals_;

    std::size_t preemptions_ = 0;
    std::size_t deviations_ = 0;
    std::size_t steps_ = 0;
    std::uint64_t writes_ = 0;
    std::uint64_t yields_ = 0;
    bool tracing_ = false;
    std::string trace_;
    std::optional<failure> failure_;
};

} // namespace model::detail
