// The state of a watch: its value now, and who waits for another.
//
// Values are immutable and shared, so that neither copying nor destroying one, which is the user's
// code, happens under the lock. A waiter is woken and reads what is newest then; it is handed
// nothing, so one that is cancelled has nothing to give back.
#pragma once

#include <coir/detail/single_wait.hpp>
#include <coir/detail/waiting_line.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace coir::inline v0::detail {

class watch_waiter : public line_waiter {
protected:
    watch_waiter() = default;
    watch_waiter(watch_waiter&&) = default;
    ~watch_waiter() = default;
};

template <class T>
class watch_hub {
public:
    using shared_value = std::shared_ptr<T const>;

    explicit watch_hub(shared_value first) noexcept : value_{std::move(first)} {}

    shared_value value() const noexcept {
        std::lock_guard guard{lock_};
        return value_;
    }
    bool is_closed() const noexcept {
        std::lock_guard guard{lock_};
        return closed_;
    }

    enum class replaced : unsigned char { done, is_closed, other_came };

    // `expected`: null for any. Compared by identity: who keeps it keeps its address from being
    // used again. The old value is left in `next`, and dies there.
    replaced replace(T const* expected, shared_value& next) noexcept {
        wake_batch wakes;
        std::lock_guard guard{lock_};
        if (closed_) {
            return replaced::is_closed;
        }
        if (expected != nullptr && value_.get() != expected) {
            return replaced::other_came;
        }
        value_.swap(next);
        ++version_;
        wake_all(wakes);
        return replaced::done;
    }

    bool close() noexcept {
        wake_batch wakes;
        std::lock_guard guard{lock_};
        wake_all(wakes);
        return !std::exchange(closed_, true);
    }

    bool has_newer(std::uint64_t seen) const noexcept {
        std::lock_guard guard{lock_};
        return version_ != seen;
    }

    // True: `got` is a value newer than `seen`, or null at the end. False: there is none yet, and
    // `w` has joined the line for `f`.
    bool read_or_wait(std::uint64_t& seen, shared_value& got, watch_waiter& w, fiber_base& f, leaf& l) noexcept {
        std::lock_guard guard{lock_};
        if (read(seen, got) || closed_) {
            return true;
        }
        f.begin_wait(&l);
        waiters_.join(w, f);
        return false;
    }
    // After a wake.
    void read_newer(std::uint64_t& seen, shared_value& got) noexcept {
        std::lock_guard guard{lock_};
        read(seen, got);
    }

    // For leaf::cancel, which wakes the fiber afterwards.
    void withdraw(watch_waiter& w) noexcept {
        std::lock_guard guard{lock_};
        any_line::leave(w);
    }

private:
    bool read(std::uint64_t& seen, shared_value& got) const noexcept {
        if (version_ == seen) {
            return false;
        }
        seen = version_;
        got = value_;
        return true;
    }

    void wake_all(wake_batch& wakes) noexcept {
        while (!waiters_.empty()) {
            wakes.wake(waiters_.front(), leaving_);
        }
    }

    mutable spin_lock lock_;
    bool closed_ = false;
    std::uint64_t version_ = 1; // a reader that has seen nothing is at 0
    shared_value value_;
    waiting_line<watch_waiter> waiters_;
    any_line leaving_; // the hub is shared, so nobody need wait for those
};

// Waits for a value newer than the one that `seen` names when it begins. Of several waits of which
// one wins, the others have seen nothing: who gets the value calls note_seen().
template <class T>
class watch_read final : public single_wait, private watch_waiter {
    using shared_value = typename watch_hub<T>::shared_value;

public:
    watch_read(watch_hub<T>& hub, std::uint64_t& seen) noexcept : hub_{&hub}, seen_{&seen} {}
    watch_read(watch_read&& other) noexcept : single_wait(), watch_waiter(), hub_{other.hub_}, seen_{other.seen_} {}

    status poll(fiber_base& f) noexcept {
        return poll_wait(
            f, [&] { return begin(f); },
            [&] {
                hub_->read_newer(read_, got_);
                return status::value;
            });
    }
    // None: the end.
    shared_value const& got() const noexcept { return got_; }
    void note_seen() const noexcept { *seen_ = read_; }

private:
    status begin(fiber_base& f) noexcept {
        read_ = *seen_;
        return hub_->read_or_wait(read_, got_, *this, f, *this) ? status::value : status::pending;
    }
    void cancel(fiber_base& f) noexcept final {
        hub_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "a change"; }

    watch_hub<T>* hub_;
    std::uint64_t* seen_;
    std::uint64_t read_ = 0; // the version that was got
    shared_value got_;
};

// Reads until a value fits; keeps the hub.
template <class T, class Fits>
class [[nodiscard("it does nothing until it is awaited")]] watch_until {
public:
    using value_type = std::optional<T>;
    using error_type = never;

    template <class F>
    watch_until(std::shared_ptr<watch_hub<T>> hub, F&& fits) : hub_{std::move(hub)}, fits_(std::forward<F>(fits)) {}
    watch_until(watch_until&& other) : hub_{std::move(other.hub_)}, fits_(std::move(other.fits_)) {} // before it begins

    status poll(fiber_base& f) noexcept {
        try {
            for (;;) {
                if (!read_) {
                    read_.emplace(*hub_, seen_);
                }
                status const s = read_->poll(f);
                if (s != status::value || !read_->got() || fits_(*read_->got())) {
                    return s;
                }
                read_->note_seen();
                read_.reset();
            }
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }
    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return read_->got() ? value_type{*read_->got()} : std::nullopt;
    }
    std::exception_ptr defect() const noexcept { return thrown_; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    std::shared_ptr<watch_hub<T>> hub_;
    Fits fits_;
    std::uint64_t seen_ = 0;
    std::optional<watch_read<T>> read_;
    std::exception_ptr thrown_;
};

} // namespace coir::inline v0::detail
