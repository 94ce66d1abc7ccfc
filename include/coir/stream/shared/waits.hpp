// What fibers wait for at a shared run: a reader for an element, the fiber that pulls for somebody
// who wants one, and who watches it for its being used or not.
#pragma once

#include <coir/detail/single_wait.hpp>
#include <coir/stream/shared/run.hpp>

namespace coir::inline v0::detail {

template <class Run>
class shared_read final : public single_wait, private read_waiting<typename Run::reader> {
    using waiting = read_waiting<typename Run::reader>;

public:
    using found = typename Run::found;

    shared_read(Run& run, typename Run::reader& r) noexcept : waiting{r}, run_{&run} {}
    shared_read(shared_read&& other) noexcept : single_wait(), waiting{other.reader()}, run_{other.run_} {}

    status poll(fiber_base& f) noexcept {
        return poll_wait(
            f,
            [&] {
                found_ = run_->read_or_wait(taken_, *this, f, *this);
                return found_ == found::nothing ? status::pending : status::value;
            },
            [&] {
                found_ = run_->read_now(this->reader(), taken_);
                return status::value;
            });
    }
    found what_was_found() const noexcept { return found_; }
    typename Run::taken& taken() noexcept { return taken_; }

private:
    void cancel(fiber_base& f) noexcept override {
        run_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept override { return "a shared stream"; }

    Run* run_;
    typename Run::taken taken_;
    found found_ = found::nothing;
};

// `co_await shared_demand{run}` -> whether an element is wanted; false: somebody was quicker or
// has left, ask again.
template <class Run>
class shared_demand final : public single_wait, private line_waiter {
public:
    using value_type = bool;
    using error_type = never;

    explicit shared_demand(Run& run) noexcept : run_{&run} {}
    shared_demand(shared_demand&& other) noexcept : single_wait(), line_waiter(), run_{other.run_} {}

    status poll(fiber_base& f) noexcept {
        return poll_wait(
            f, [&] { return run_->wanted_or_wait(*this, f, *this) ? status::value : status::pending; },
            [] { return status::value; });
    }
    bool get() const noexcept { return run_->is_wanted(); }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    void cancel(fiber_base& f) noexcept override {
        run_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept override { return "readers of a shared stream"; }

    Run* run_;
};

// Until the run is used, or is not. By the time the fiber goes on that may have changed again.
template <class Run>
class shared_usage final : public single_wait, private line_waiter {
public:
    using value_type = void;
    using error_type = never;

    shared_usage(Run& run, bool used) noexcept : run_{&run}, used_{used} {}
    shared_usage(shared_usage&& other) noexcept : single_wait(), line_waiter(), run_{other.run_}, used_{other.used_} {}

    status poll(fiber_base& f) noexcept {
        return poll_wait(
            f, [&] { return run_->usage_or_wait(used_, *this, f, *this) ? status::value : status::pending; },
            [] { return status::value; });
    }
    void get() const noexcept {}
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    void cancel(fiber_base& f) noexcept override {
        run_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept override { return "use of a shared stream"; }

    Run* run_;
    bool used_;
};

} // namespace coir::inline v0::detail
