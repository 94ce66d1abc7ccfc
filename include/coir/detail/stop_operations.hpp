// What <coir/interop/stop_token.hpp> is made of.
#pragma once

#include <version>

#if defined(__cpp_lib_jthread)

#include <coir/deferred.hpp>
#include <coir/detail/group_member.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/detail/kept_end.hpp>
#include <coir/detail/timeout_operation.hpp>
#include <coir/detail/work.hpp>
#include <coir/time.hpp>

#include <optional>
#include <stop_token>

namespace coir::inline v0::detail {

// A group of one, whose owner is woken by an interruption and stops the token first: so that the
// token reaches what cannot be interrupted, as a blocking call.
template <class F>
class [[nodiscard]] stop_token_operation {
    using inner = operation_of<std::invoke_result_t<F&, std::stop_token>>;

public:
    using value_type = typename kept_end<inner>::value_type;
    using error_type = typename inner::error_type;

    template <class G>
    explicit stop_token_operation(std::in_place_t, G&& f) : f_(std::forward<G>(f)) {}
    stop_token_operation(stop_token_operation&& other) : f_(std::move(other.f_)) {} // before it begins

    status poll(fiber_base& f) {
        if (!source_) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            try {
                start(f);
            } catch (...) {
                return end_.die(std::current_exception());
            }
        }
        if (f.cancel_requested()) {
            source_->request_stop();
        }
        if (group_.poll_members(f) == status::pending) {
            return status::pending;
        }
        return group_.exit(end_.take(f, member_->end()));
    }

    value_type get() { return end_.get(); }
    error_type&& error() noexcept
        requires(!std::same_as<error_type, never>)
    {
        return end_.error();
    }
    std::exception_ptr defect() { return end_.defect(); }
    fiber_id interrupted_by() { return end_.interrupted_by(); }

private:
    void start(fiber_base& f) {
        source_.emplace();
        auto work = end_.run(operation_from(detail::invoke(f_, source_->get_token())));
        group_.enter(f);
        try {
            member_.emplace(std::move(work).coir_operation());
            member_->start(group_, nobody{}, fiber_base::start::here);
        } catch (...) {
            group_.exit(status::defect);
            throw;
        }
    }

    struct nobody {
        void operator()(outcome<> const&) const noexcept {}
    };

    F f_;
    std::optional<std::stop_source> source_; // empty: it has not begun
    group group_;
    kept_end<inner> end_;
    std::optional<forked_member<operation_of<task<>>, nobody>> member_;
};

// interrupt_when, with a signal that the token completes.
template <class Inner>
class [[nodiscard]] interrupt_when_stopped_operation {
    using limited_operation = interrupt_when_operation<Inner, void, never>;

public:
    using value_type = typename limited_operation::value_type;
    using error_type = typename limited_operation::error_type;

    interrupt_when_stopped_operation(Inner&& inner, std::stop_token token)
        : inner_{std::move(inner)}, token_{std::move(token)} {}
    interrupt_when_stopped_operation(interrupt_when_stopped_operation&& other) // before it begins
        : inner_{std::move(other.inner_)}, token_{std::move(other.token_)} {}

    status poll(fiber_base& f) {
        if (!running_) {
            running_.emplace(std::move(inner_), token_);
        }
        status const s = running_->limited.poll(f);
        if (has_ended(s)) {
            running_->stopping.reset();
        }
        return s;
    }

    value_type get() { return running_->limited.get(); }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return running_->limited.error();
    }
    std::exception_ptr defect() { return running_->limited.defect(); }
    fiber_id interrupted_by() { return running_->limited.interrupted_by(); }

private:
    struct complete {
        deferred<>* signal;
        void operator()() const noexcept { signal->succeed(); }
    };
    struct parts {
        parts(Inner&& inner, std::stop_token const& token)
            : limited{std::move(inner), signal.get_cell()}, stopping{std::in_place, token, complete{&signal}} {}
        deferred<> signal;
        limited_operation limited;
        std::optional<std::stop_callback<complete>> stopping;
    };

    Inner inner_;
    std::stop_token token_;
    std::optional<parts> running_;
};

// Registered on the frame, so that it is undone before the work is over, on every way out.
struct interrupt_fiber {
    fiber_base* fiber;
    void operator()() const noexcept { fiber->request_interrupt(fiber_id{}); }
};

template <class Work, class... Args>
task<kept<await_value_t<work_awaitable<Work, Args...>>>, await_error_t<work_awaitable<Work, Args...>>>
run_until_stopped(std::stop_token token, stored_work<Work, Args...> work) {
    std::stop_callback<interrupt_fiber> const stopping{token, interrupt_fiber{&current_fiber()}};
    co_await coir::checkpoint();
    co_return co_await work.start();
}

} // namespace coir::inline v0::detail

#endif
