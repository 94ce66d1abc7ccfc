// A fiber's control block with its result, and with the work it runs.
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/call.hpp>
#include <coir/detail/fiber_base.hpp>
#include <coir/detail/live_count.hpp>
#include <coir/detail/work.hpp>

#include <memory>
#include <string>

namespace coir::inline v0::detail {

template <class T, class E>
class fiber_state : public fiber_base {
public:
    using fiber_base::fiber_base;

    deferred_cell<T, E>& cell() noexcept { return cell_; }

    // Somebody looks at the outcome, so it is not unhandled.
    void observe() noexcept { observed_.store(true, std::memory_order_relaxed); }

    std::string_view name() const noexcept final { return name_ ? std::string_view{*name_} : std::string_view{}; }
    void set_name(std::unique_ptr<std::string> n) noexcept { name_ = std::move(n); }

protected:
    ~fiber_state() { report_unhandled(); }

private:
    void report_unhandled() noexcept {
        outcome<T, E> const* const end = cell_.poll();
        if (end == nullptr || observed_.load(std::memory_order_relaxed) || !(end->is_failure() || end->is_defect())) {
            return;
        }
        unhandled_outcome const what{id(), name(), end->is_defect() ? end->defect() : nullptr};
        if (scheduler* const here = this_worker().current) {
            here->on_unhandled(what);
        } else {
            print_unhandled(what);
        }
    }

    deferred_cell<T, E> cell_;
    std::unique_ptr<std::string> name_;
    atomic<bool> observed_{false};
};

template <class T, class E, class Work, class... Args>
class fiber_run : public fiber_state<T, E>, private counted<live::fibers> {
public:
    template <class W, class... As>
    fiber_run(scheduler& s, nursery& parent, W&& w, As&&... args)
        : fiber_state<T, E>{s, parent}, parts_{std::in_place, std::forward<W>(w), std::forward<As>(args)...} {}

    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* p, std::size_t size) noexcept { deallocate_frame(p, size); }

protected:
    ~fiber_run() = default;

    // The work has ended so, and its frame, callable and arguments are gone. Nobody else sees
    // the end yet, and the owner cannot end before this returns.
    virtual void ended(outcome<T, E> const&) noexcept {}

private:
    struct parts {
        template <class... As>
        explicit parts(As&&... args) : work{std::forward<As>(args)...} {}
        stored_work<Work, Args...> work;
        std::optional<call<T, E>> body;
    };

    void begin() override {
        parts_->body.emplace(parts_->work.start().coir_operation());
        parts_->body->poll(*this);
    }
    call<T, E>& body() noexcept {
        if (!parts_->body) {
            parts_->body.emplace(std::coroutine_handle<task_promise<T, E>>{});
        }
        return *parts_->body;
    }
    void end_cancelled() noexcept override { body().cancel(); }
    void end_defect(std::exception_ptr thrown) noexcept override { body().die(std::move(thrown)); }
    status root_status() const noexcept override { return parts_->body->ended(); }

    void publish() noexcept override {
        // The frame, the callable and the arguments are destroyed before anybody can see the end.
        std::optional<outcome<T, E>> end;
        try {
            end.emplace(outcome_of<outcome<T, E>>(*parts_->body, parts_->body->ended(), *this));
        } catch (...) {
            end.emplace(outcome<T, E>::died(std::current_exception()));
        }
        parts_.reset();
        ended(*end);
        // Nobody else completes it, so it need not be claimed.
        this->cell().store([&]() -> outcome<T, E> { return std::move(*end); });
    }

    std::optional<parts> parts_;
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
