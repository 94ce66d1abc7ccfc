// The operations of publishing and of waiting for the next message.
#pragma once

#include <coir/detail/pubsub_hub.hpp>
#include <coir/detail/single_wait.hpp>

#include <exception>

namespace coir::inline v0::detail {

template <class T>
class [[nodiscard("it does nothing until it is awaited")]] pubsub_publish final : public single_wait,
                                                                                  private publish_waiter<T> {
public:
    using value_type = push_status;
    using error_type = never;

    pubsub_publish(pubsub_hub<T>& hub, sealed_message<T> m) noexcept : publish_waiter<T>{std::move(m)}, hub_{&hub} {}
    pubsub_publish(pubsub_publish&& other) noexcept
        : single_wait(), publish_waiter<T>(std::move(other)), hub_{other.hub_} {}

    status poll(fiber_base& f) noexcept {
        auto const fired = [&] {
            end_ = this->accepted_ ? push_status::accepted : push_status::closed;
            return status::value;
        };
        return poll_wait(f, [&] { return begin(f); }, fired);
    }

    push_status get() const {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return end_;
    }
    std::exception_ptr defect() const noexcept { return thrown_; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    status begin(fiber_base& f) noexcept {
        try {
            end_ = hub_->publish_or_wait(*this, f, *this);
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
        return end_ == push_status::full ? status::pending : status::value;
    }

    void cancel(fiber_base& f) noexcept final {
        hub_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "publish"; }

    pubsub_hub<T>* hub_;
    std::exception_ptr thrown_;
    push_status end_ = push_status::closed;
};

// A copy of the value; the last one to read it gets the value itself.
template <class T>
std::optional<T> copy_of(message_ptr<T> const& m) {
    if (!m) {
        return std::nullopt;
    }
    return m.is_only_one() ? std::move(m->value) : m->value;
}

template <class T>
class [[nodiscard("it does nothing until it is awaited")]] pubsub_next final : public single_wait,
                                                                               private read_waiter<T> {
public:
    using value_type = std::optional<T>;
    using error_type = never;

    pubsub_next(pubsub_hub<T>& hub, subscriber<T>& s) noexcept : read_waiter<T>{s}, hub_{&hub} {}
    pubsub_next(pubsub_next&& other) noexcept : single_wait(), read_waiter<T>(std::move(other)), hub_{other.hub_} {}

    status poll(fiber_base& f) noexcept {
        return poll_wait(
            f, [&] { return hub_->read_or_wait(*this, f, *this) ? status::value : status::pending; },
            [] { return status::value; });
    }

    value_type get() { return copy_of(this->got_); }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    void cancel(fiber_base& f) noexcept final {
        hub_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "the next message"; }

    pubsub_hub<T>* hub_;
};

} // namespace coir::inline v0::detail
