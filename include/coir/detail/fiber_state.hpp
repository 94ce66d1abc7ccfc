// A fiber's control block with its result, and with the work it runs.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/fiber_end.hpp>
#include <coir/detail/live_count.hpp>
#include <coir/detail/pooled.hpp>
#include <coir/detail/work.hpp>

#include <memory>
#include <string>

namespace coir::inline v0::detail {

template <class T, class E>
class fiber_state : public fiber_base {
public:
    using fiber_base::fiber_base;

    fiber_end<T, E>& cell() noexcept { return end_; }

    void observe() noexcept { end_.observe(); }

protected:
    ~fiber_state() { report_unhandled(); }

    status root_status() const noexcept override { return end_.body().ended(); }

private:
    void end_cancelled() noexcept final { end_.body().cancel(); }
    void end_defect(std::exception_ptr thrown) noexcept final { end_.body().die(std::move(thrown)); }

    void report_unhandled() noexcept {
        outcome<T, E> const* const end = end_.poll();
        if (end == nullptr || end_.is_observed() || end->is_success()) {
            return;
        }
        std::exception_ptr thrown = end->is_defect() ? end->defect() : nullptr;
        if (end->is_interrupted()) {
            if (end->suppressed().empty()) {
                return;
            }
            thrown = end->suppressed().front(); // by a finalizer
        }
        unhandled_outcome const what{id(), name(), std::move(thrown)};
        if (scheduler* const here = this_worker().current) {
            here->on_unhandled(what);
        } else {
            print_unhandled(what);
        }
    }

    fiber_end<T, E> end_;
};

template <class T, class E, class Work, class... Args>
class fiber_run : public fiber_state<T, E>, public pooled, private counted<live::fibers> {
public:
    template <class W, class... As>
    fiber_run(scheduler& s, nursery& parent, W&& w, As&&... args)
        : fiber_state<T, E>{s, parent}, work_{std::in_place, std::forward<W>(w), std::forward<As>(args)...} {}

protected:
    ~fiber_run() = default;

    // The work has ended so, and its frame, callable and arguments are gone. Nobody else sees
    // the end yet, and the owner cannot end before this returns.
    virtual void ended(outcome<T, E> const&) noexcept {}

    void publish() noexcept override {
        // The frame, the callable and the arguments are destroyed before anybody can see the end.
        this->cell().body().destroy_frame();
        work_.reset();
        this->locals = fiber_locals{}; // a handle that is kept does not keep them
        this->cell().settle(*this);
        ended(this->cell().end());
        this->cell().publish();
    }

private:
    void begin() override {
        call<T, E>& body = this->cell().body();
        body.adopt(work_->start().coir_operation());
        body.poll(*this);
    }

    std::optional<stored_work<Work, Args...>> work_;
};

// A fiber that nobody supervises.
template <class T, class E, class Work, class... Args>
class plain_fiber final : public fiber_run<T, E, Work, Args...> {
public:
    using fiber_run<T, E, Work, Args...>::fiber_run;

private:
    void destroy() noexcept override { delete this; }
};

} // namespace coir::inline v0::detail
