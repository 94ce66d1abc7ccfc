// The set of fibers that something owns: a fiber its children, a scope, a scheduler its roots.
//
// Members join from any thread and leave when they have ended. The owner interrupts them, all or
// those forked under one coroutine frame, and waits until they are gone. A lock of a few
// instructions guards the list; nothing of the user runs inside it.
#pragma once

#include <coir/detail/spin_lock.hpp>
#include <coir/outcome.hpp>

#include <cstddef>
#include <mutex>
#include <utility>

namespace coir::inline v0::detail {

class nursery_member {
public:
    nursery_member() = default;
    nursery_member(nursery_member const&) = delete;
    nursery_member& operator=(nursery_member const&) = delete;

    // Asks the member to end. Any thread; called while the member is in the nursery.
    virtual void interrupt_member(fiber_id by) noexcept = 0;

protected:
    ~nursery_member() = default;

private:
    friend class nursery;

    nursery_member* older_ = nullptr;
    nursery_member* newer_ = nullptr;
    void const* under_ = nullptr; // the frame that forked it
    bool awaited_ = false;
};

// Who waits for members to end.
class nursery_waiter {
public:
    // Called once, by the last member awaited, without a lock.
    virtual void nursery_quiet() noexcept = 0;

protected:
    ~nursery_waiter() = default;
};

class nursery {
public:
    nursery() = default;
    nursery(nursery const&) = delete;
    nursery& operator=(nursery const&) = delete;

    // False: the nursery is closed and `m` did not join. Any thread.
    [[nodiscard]] bool add(nursery_member& m, void const* under = nullptr) noexcept {
        std::lock_guard guard{lock_};
        if (closed_) {
            return false;
        }
        m.under_ = under;
        m.awaited_ = waiter_ != nullptr && waits_for_all_;
        awaited_ += m.awaited_ ? 1 : 0;
        m.newer_ = nullptr;
        m.older_ = newest_;
        if (newest_ != nullptr) {
            newest_->newer_ = &m;
        }
        newest_ = &m;
        ++size_;
        return true;
    }

    // `m` has ended. The nursery may be gone when this returns. Any thread.
    void remove(nursery_member& m) noexcept {
        if (nursery_waiter* const quiet = unlink(m)) {
            quiet->nursery_quiet();
        }
    }

    // Members that would join from now on are refused.
    void close() noexcept {
        std::lock_guard guard{lock_};
        closed_ = true;
    }

    bool is_closed() const noexcept {
        std::lock_guard guard{lock_};
        return closed_;
    }

    // Interrupts every member, or those forked under the frame `under`. O(members).
    void interrupt(fiber_id by, void const* under = nullptr) noexcept {
        std::lock_guard guard{lock_};
        for (nursery_member* m = newest_; m != nullptr; m = m->older_) {
            if (under == nullptr || m->under_ == under) {
                m->interrupt_member(by);
            }
        }
    }

    // True: nothing to wait for. False: `w` is told once when every member (or every one
    // forked under `under`) has left; with all awaited, those that join meanwhile count too.
    [[nodiscard]] bool wait(nursery_waiter& w, void const* under = nullptr) noexcept {
        std::lock_guard guard{lock_};
        awaited_ = 0;
        for (nursery_member* m = newest_; m != nullptr; m = m->older_) {
            m->awaited_ = under == nullptr || m->under_ == under;
            awaited_ += m->awaited_ ? 1 : 0;
        }
        if (awaited_ == 0) {
            return true;
        }
        waits_for_all_ = under == nullptr;
        waiter_ = &w;
        return false;
    }

    // As wait() for all, and refuses new members in the same step once there is none.
    [[nodiscard]] bool wait_and_close(nursery_waiter& w) noexcept {
        if (!wait(w)) {
            return false;
        }
        std::lock_guard guard{lock_};
        closed_ = newest_ == nullptr;
        return closed_;
    }

    // The waiter gives up. True: it will not be told any more; false: it has been or is being told.
    [[nodiscard]] bool stop_waiting() noexcept {
        std::lock_guard guard{lock_};
        return std::exchange(waiter_, nullptr) != nullptr;
    }

    // The frame `from` returned normally: what it forked now belongs to its caller `to`.
    void reparent(void const* from, void const* to) noexcept {
        std::lock_guard guard{lock_};
        for (nursery_member* m = newest_; m != nullptr; m = m->older_) {
            m->under_ = m->under_ == from ? to : m->under_;
        }
    }

    // For diagnostics: each member, the oldest first. `f` runs under the lock.
    template <class F>
    void for_each(F f) {
        std::lock_guard guard{lock_};
        nursery_member* m = newest_;
        while (m != nullptr && m->older_ != nullptr) {
            m = m->older_;
        }
        for (; m != nullptr; m = m->newer_) {
            f(*m);
        }
    }

    std::size_t size() const noexcept {
        std::lock_guard guard{lock_};
        return size_;
    }

private:
    nursery_waiter* unlink(nursery_member& m) noexcept {
        std::lock_guard guard{lock_};
        (m.newer_ != nullptr ? m.newer_->older_ : newest_) = m.older_;
        if (m.older_ != nullptr) {
            m.older_->newer_ = m.newer_;
        }
        --size_;
        if (!m.awaited_ || --awaited_ != 0) {
            return nullptr;
        }
        return std::exchange(waiter_, nullptr);
    }

    mutable spin_lock lock_;
    bool closed_ = false;
    bool waits_for_all_ = false;
    nursery_member* newest_ = nullptr;
    nursery_waiter* waiter_ = nullptr;
    std::size_t size_ = 0;
    std::size_t awaited_ = 0;
};

} // namespace coir::inline v0::detail
