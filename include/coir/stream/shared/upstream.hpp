// An upstream that is shared, and the fiber that pulls it.
//
// That fiber runs the upstream once, or again each time somebody reads after the last run was over:
// one run after the other, so what one run held is released before the next begins. It ends when
// nobody can read any more, as the last handle and the last source are gone, or with its owner: the
// fiber that shared the stream, or a scope. It is no child of the scope, which would wait for it in
// join() and at its end, but of the scope's fiber; and a finalizer of the scope ends it, when the
// children, who read, have ended.
#pragma once

#include <coir/adapt.hpp>
#include <coir/detail/std/functional.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/stream/shared/waits.hpp>
#include <coir/stream/with_stream.hpp>
#include <coir/sync/queue.hpp>
#include <coir/time.hpp>

#include <memory>
#include <mutex>

namespace coir::inline v0::detail {

template <class Run>
class shared_upstream {
public:
    using run_ptr = std::shared_ptr<Run>;

    // The runs to come, for the fiber that pulls.
    queue<run_ptr>& starts() noexcept { return starts_; }

    // Joins the run that goes on, or else the one that `make` makes. The run that it is given must
    // be read, or left. Throws what allocating throws.
    template <class Make>
    run_ptr join(typename Run::reader& r, bool after_its_end, Make make) {
        std::lock_guard guard{lock_};
        if (current_ == nullptr || !current_->join(r, after_its_end)) {
            run_ptr next = make();
            static_cast<void>(next->join(r, true));
            if (closed_ || !starts_.try_push(next)) {
                next->finish(Run::end_type::interrupted(fiber_id{}));
            }
            current_ = std::move(next);
        }
        return current_;
    }

    // Nobody can read any more.
    void abandon() noexcept {
        std::lock_guard guard{lock_};
        starts_.close();
        if (current_ != nullptr) {
            current_->retire();
        }
    }

    // The fiber that pulls is gone, or never began: nothing comes any more.
    void close() noexcept {
        std::lock_guard guard{lock_};
        closed_ = true;
        starts_.close();
        while (auto run = starts_.try_pop()) { // also those that nobody reads: somebody may wait for their end
            (*run)->finish(Run::end_type::interrupted(fiber_id{}));
        }
    }

private:
    std::mutex lock_; // memory is got under it; rarely, at the beginning and the end of reading
    bool closed_ = false;
    run_ptr current_;
    queue<run_ptr> starts_{unbounded()};
};

// What handles and sources hold: the last one to go abandons the upstream.
template <class Run>
std::shared_ptr<shared_upstream<Run>> user_of(std::shared_ptr<shared_upstream<Run>> const& upstream) {
    auto const abandon = [keep = upstream](shared_upstream<Run>*) noexcept { keep->abandon(); };
    return {upstream.get(), abandon};
}

// Part of the work of the fiber that pulls: goes with it, even if it never begins.
template <class Run>
class upstream_keeper {
public:
    explicit upstream_keeper(std::shared_ptr<shared_upstream<Run>> kept) noexcept : kept_{std::move(kept)} {}
    upstream_keeper(upstream_keeper&&) noexcept = default;
    ~upstream_keeper() {
        if (kept_ != nullptr) {
            kept_->close();
        }
    }
    shared_upstream<Run>& get() const noexcept { return *kept_; }

private:
    std::shared_ptr<shared_upstream<Run>> kept_;
};

inline task<> end_fiber(fiber<> pulling) { co_await pulling.interrupt(); }

struct end_pulling {
    task<> operator()() const { return end_fiber(pulling); }
    bool is_needless() const noexcept { return pulling.poll() != nullptr; }

    fiber<> pulling;
};

// Who is to own the fiber that pulls: a scope, or the current fiber.
template <class S>
class owned_by_scope {
public:
    explicit owned_by_scope(scope<S>& s) noexcept : scope_{&s} {}

    template <class... Work>
    void start(Work&&... work) const {
        fiber_base& owner = scope_->get_group().owner();
        fiber<> const pulling = queue_fiber(owner.where(), owner.children(), nullptr, std::forward<Work>(work)...);
        try {
            scope_->add_finalizer(end_pulling{pulling});
        } catch (...) {
            pulling.request_interrupt();
            throw;
        }
    }

private:
    scope<S>* scope_;
};

class owned_by_fiber {
public:
    template <class... Work>
    void start(Work&&... work) const {
        coir::fork(std::forward<Work>(work)...);
    }
};

// A stream for the one run of it.
template <class Up>
class given_once {
public:
    explicit given_once(Up&& up) : up_{std::move(up)} {}
    Up operator()() { return std::move(up_); }

private:
    Up up_;
};

// Pulls one element each time one is wanted. No co_await in a condition: docs/guide/compilers.md.
template <class Run>
task<> wait_for_demand(Run& run) {
    for (bool wanted = false; !wanted;) {
        wanted = co_await shared_demand<Run>{run};
    }
}
template <class Run, class Make>
task<void, typename Run::error_type> pull_on_demand(Run& run, Make& make) {
    co_await wait_for_demand(run);
    auto body = [&run](auto& in) -> task<void, typename Run::error_type> {
        while (auto element = co_await next(in)) {
            run.append(std::move(*element));
            for (bool wanted = false; !wanted;) {
                wanted = co_await shared_demand<Run>{run};
            }
        }
    };
    co_await with_stream(make(), body);
}

// Stops a run that nobody has read for as long as it may be idle.
template <class Run>
task<> watch_idle(Run& run, clock::duration may_be_idle) {
    for (;;) {
        co_await shared_usage<Run>{run, false};
        bool const used = co_await coir::timeout(shared_usage<Run>{run, true}, may_be_idle);
        if (!used && run.retire_if_unused()) {
            co_return;
        }
    }
}

template <class E>
outcome<void, E> end_of_run(outcome<bool, E>&& end) {
    auto plain = [&] {
        if (end.is_failure()) {
            if constexpr (!std::same_as<E, never>) {
                return outcome<void, E>::failure(std::move(end).error());
            }
        }
        if (end.is_defect()) {
            return outcome<void, E>::died(end.defect());
        }
        return end.is_interrupted() ? outcome<void, E>::interrupted(end.interrupted_by()) : outcome<void, E>::success();
    }();
    for (std::exception_ptr const& thrown : end.suppressed()) {
        plain.add_suppressed(thrown);
    }
    return plain;
}

// A run ends also when the fiber that pulls is interrupted.
template <class Run>
class finishing {
public:
    explicit finishing(Run& run) noexcept : run_{&run} {}
    finishing(finishing const&) = delete;
    finishing& operator=(finishing const&) = delete;
    ~finishing() {
        if (!run_->has_ended()) {
            run_->finish(Run::end_type::interrupted(fiber_id{}));
        }
    }

private:
    Run* run_;
};

template <class Run, class Make>
task<> run_once(Run& run, Make& make, clock::duration may_be_idle) {
    fiber<> watching;
    if (may_be_idle > may_be_idle.zero()) {
        watching = coir::fork(watch_idle<Run>, std::ref(run), may_be_idle);
    }
    finishing<Run> const on_every_path{run};
    auto end = co_await coir::as_outcome(coir::interrupt_when(pull_on_demand(run, make), run.stop()));
    if (watching) {
        co_await watching.interrupt();
    }
    run.finish(end_of_run(std::move(end)));
}

// The work of the fiber that pulls. `make` makes the stream of a run.
template <class Run, class Make>
task<> pull_again_and_again(upstream_keeper<Run> upstream, Make make, clock::duration may_be_idle) {
    while (auto run = co_await upstream.get().starts().pop()) {
        co_await run_once(**run, make, may_be_idle);
    }
}
template <class Run, class Make>
task<> pull_once(upstream_keeper<Run> upstream, Make make) {
    if (auto run = co_await upstream.get().starts().pop()) {
        co_await run_once(**run, make, clock::duration::zero());
    }
}

} // namespace coir::inline v0::detail
