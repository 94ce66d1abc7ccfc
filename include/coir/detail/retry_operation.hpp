// The operation of trying again.
#pragma once

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/operation.hpp>
#include <coir/detail/schedule_parts.hpp>

namespace coir::inline v0::detail {

// Where a series of attempts stands.
template <class Policy>
class attempts {
public:
    explicit attempts(Policy policy) : policy_(std::move(policy)) {}

    void begin(fiber_base& f) noexcept {
        if (step_.attempt == 0 && !begun_) {
            begun_ = true;
            start_ = f.where().now();
        }
    }

    // The next end is that of the first attempt of a new series.
    void restart(fiber_base& f) noexcept {
        step_ = schedule_step{};
        start_ = f.where().now();
    }

    // After a failure: how long to wait before the next attempt; nothing: give up.
    template <class E>
    std::optional<clock::duration> next(fiber_base& f, E const& e) {
        step_.elapsed = f.where().now() - start_;
        step_.random = f.where().random();
        auto const delay = policy_.next(step_, e);
        ++step_.attempt;
        return delay;
    }

private:
    Policy policy_;
    schedule_step step_;
    clock::time_point start_{};
    bool begun_ = false;
};

template <class Factory, class Policy>
class [[nodiscard]] retry_operation {
    using inner = operation_of<std::invoke_result_t<Factory&>>;
    static_assert(!std::same_as<typename inner::error_type, never>, "coir: retry is for what can fail");
    static_assert(tells_when<Policy, typename inner::error_type>,
                  "coir: retry and repeat take a schedule, such as spaced(1s) && recurs(5)");

public:
    using value_type = typename inner::value_type;
    using error_type = typename inner::error_type;

    retry_operation(Factory factory, Policy policy) : factory_(std::move(factory)), attempts_{std::move(policy)} {}
    retry_operation(retry_operation&& other) // before it begins
        : factory_(std::move(other.factory_)), attempts_{std::move(other.attempts_)} {}

    status poll(fiber_base& f) {
        for (;;) {
            if (sleep_) {
                status const s = sleep_->poll(f);
                if (s != status::value) {
                    return s;
                }
                sleep_.reset();
            }
            if (!begin(f)) {
                return status::defect;
            }
            status const s = running_->poll(f);
            if (s != status::failure) {
                return s;
            }
            failure_.emplace(running_->error());
            auto const delay = attempts_.next(f, *failure_);
            if (!delay) {
                return s;
            }
            f.forget_suppressed();
            running_.reset();
            sleep_.emplace(*delay);
        }
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return running_->get();
    }
    error_type&& error() noexcept { return std::move(*failure_); }
    std::exception_ptr defect() { return thrown_ ? thrown_ : running_->defect(); }
    fiber_id interrupted_by() { return running_->interrupted_by(); }

private:
    bool begin(fiber_base& f) noexcept {
        if (running_) {
            return true;
        }
        attempts_.begin(f);
        try {
            running_.emplace(operation_from(factory_()));
            return true;
        } catch (...) {
            thrown_ = std::current_exception();
            return false;
        }
    }

    Factory factory_;
    attempts<Policy> attempts_;
    std::optional<inner> running_;
    std::optional<sleeping> sleep_;
    std::optional<error_type> failure_; // of the last attempt
    std::exception_ptr thrown_;
};

} // namespace coir::inline v0::detail
