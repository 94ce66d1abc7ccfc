// Schedules: the part of the explorer that runs one after the other until all are done.
#include "engine.hpp"

#include <exception>
#include <functional>
#include <utility>

namespace model {

struct run_access {
    static auto& threads(run& r) { return r.threads_; }
    static auto& last(run& r) { return r.last_; }
};

} // namespace model

namespace model::detail {

result engine::explore(const options& wanted, const std::function<void(run&)>& body) {
    const guard own;
    options_ = wanted;
    shared_.clear();
    orders_.start(wanted.weaken);
    body_ = &body;
    result all;
    if (wanted.replay.empty()) {
        explore_bounds(all);
    } else {
        path_ = choice_path::parse(wanted.replay);
        all.bounds.push_back(explore_bound(all));
    }
    all.orders = orders_.all();
    return all;
}

void engine::explore_bounds(result& all) {
    for (std::size_t bound = 0; bound <= options_.preemptions; ++bound) {
        preemption_bound_ = bound;
        path_ = {};
        all.bounds.push_back(explore_bound(all));
        if (all.failure || !all.complete) break;
    }
}

statistics engine::explore_bound(result& all) {
    statistics done;
    const auto limit = options_.replay.empty() ? options_.max_schedules : 1;
    for (;;) {
        run_schedule();
        ++done.schedules;
        done.max_choices = (std::max)(done.max_choices, path_.length());
        done.max_accesses = (std::max)(done.max_accesses, steps_);
        if (failure_) {
            capture_failure(all);
            return done;
        }
        if (std::exchange(learned_, false) && !path_.fixed()) {
            path_ = {};
            done = {};
            continue;
        }
        if (done.schedules == limit) {
            all.complete = !path_.advance();
            return done;
        }
        if (!path_.advance()) return done;
    }
}

// Runs the failing schedule once more, this time writing down what happens.
void engine::capture_failure(result& all) {
    const auto first = *failure_;
    path_.rewind();
    tracing_ = true;
    trace_.clear();
    run_schedule();
    tracing_ = false;
    all.failure = first;
    all.failure->schedule = path_.text();
    all.failure->trace = trace_;
    if (!failure_ || failure_->broken != first.broken)
        all.failure->trace += "(the schedule did not fail again: the body is not deterministic)\n";
}

void engine::run_schedule() {
    path_.rewind();
    sandbox_.reset();
    memory_.reset();
    statics_.clear();
    labels_.clear();
    failure_.reset();
    preemptions_ = deviations_ = steps_ = 0;
    writes_ = yields_ = 0;
    thread_count_ = 0;
    start(0, "main");
    current_ = 0;
    context::change(outside_, threads_[0].state);
    inside_ = false;
    // A schedule that failed may have left any thread's values behind.
    for (auto& each : thread_locals_) std::copy(each.initial.begin(), each.initial.end(), each.address);
    thread_locals_.clear();
    if (!failure_) after_schedule();
}

void engine::after_schedule() {
    std::string leaked;
    for (const auto& each : sandbox_.leaks()) leaked += (leaked.empty() ? "" : "; ") + each;
    if (!leaked.empty()) failure_ = failure{property::leak, "never freed: " + leaked, {}, {}};
}

void engine::start(std::size_t thread, std::string name) {
    model_thread& fresh = threads_[thread];
    fresh.now = status::ready;
    fresh.name = std::move(name);
    fresh.waits_for = 0;
    fresh.own_writes = fresh.yielded_at = fresh.writes_at_yield = fresh.writes_before = 0;
    fresh.read_stale = false;
    fresh.may_wait = true;
    fresh.just_chosen = true;
    fresh.views = {};
    if (thread != 0) fresh.views.now = threads_[0].views.now;
    fresh.views.thread = thread;
    fresh.views.tick();
    fresh.state.prepare(sandbox_.stack(thread), sandbox::stack_size, &engine::thread_entry);
    thread_count_ = (std::max)(thread_count_, thread + 1);
}

void engine::thread_entry() {
    engine& e = instance();
    try {
        if (e.current_ == 0) {
            e.main_thread();
        } else {
            auto& function = run_access::threads(*e.run_)[e.current_ - 1].function;
            inside_ = true;
            function();
            inside_ = false;
        }
    } catch (const std::exception& thrown) {
        inside_ = false;
        e.fail(property::exception, std::string("a thread ended with an exception: ") + thrown.what());
    } catch (...) {
        inside_ = false;
        e.fail(property::exception, "a thread ended with an exception");
    }
    model_thread& me = e.self();
    me.now = status::ended;
    if (e.current_ == 0) context::change(me.state, e.outside_);
    else e.pass_on();
}

// Builds the program, runs its threads, and takes it down; what the body made must be gone then.
void engine::main_thread() {
    inside_ = true;
    {
        run program;
        run_ = &program;
        (*body_)(program);
        inside_ = false;
        const auto& threads = run_access::threads(program);
        for (std::size_t i = 0; i < threads.size(); ++i) start(i + 1, threads[i].name);
        self().views.tick();
        if (!threads.empty()) {
            self().now = status::joining;
            pass_on();
        }
        for (std::size_t i = 1; i < thread_count_; ++i) self().views.now.join(threads_[i].views.now);
        inside_ = true;
        for (const auto& each : run_access::last(program)) each();
    }
    inside_ = false;
}

// The fibers are given up where they stand: what they own lies in the sandbox, which the next
// schedule starts afresh, so nothing has to be unwound.
void engine::fail(property broken, std::string message) {
    inside_ = false;
    if (tracing_) trace_ += "  " + self().name + ": " + message + '\n';
    failure_ = failure{broken, std::move(message), {}, {}};
    context::change(self().state, outside_);
    std::terminate();
}

} // namespace model::detail
