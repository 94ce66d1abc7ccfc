// The set of fibers that something owns: a fiber its children, a scope, a scheduler its roots.
//
// Members join from any thread and leave when they have ended. The owner interrupts them, all or
// those forked under one coroutine frame, and waits until they are gone. A lock of a few
// instructions guards the list; nothing of the user runs inside it.
#pragma once

#include <coir/detail/callback_round.hpp>
#include <coir/detail/nursery_member.hpp>
#include <coir/detail/spin_lock.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace coir::inline v0::detail {

class nursery {
public:
    nursery() = default;
    nursery(nursery const&) = delete;
    nursery& operator=(nursery const&) = delete;

    // False: the nursery is closed and `m` did not join. Any thread. In a stopped nursery `m`,
    // which does not run yet, joins interrupted.
    [[nodiscard]] bool add(nursery_member& m, void const* under = nullptr) noexcept {
        std::lock_guard guard{lock_};
        if (closed_) {
            return false;
        }
        untouched_ = false;
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
        if (stopped_ || joiners_ != nullptr) [[unlikely]] {
            interrupt_newcomer(m);
        }
        return true;
    }

    // `m` has ended. The nursery may be gone when this returns. Any thread.
    void remove(nursery_member& m) noexcept {
        nursery_joiner* joined = nullptr;
        nursery_waiter* const quiet = unlink(m, joined);
        if (joined != nullptr) [[unlikely]] {
            tell(joined);
        }
        if (quiet != nullptr) {
            quiet->nursery_quiet();
        }
    }

    // Members that would join from now on are refused.
    void close() noexcept {
        std::lock_guard guard{lock_};
        closed_ = true;
    }

    // For a nursery that one thread at a time adds to, its owner: true if nobody ever joined.
    // Then only a nursery_walk knows of it, which does not look whether it is closed: no lock.
    bool untouched() const noexcept { return untouched_; }
    void close_untouched() noexcept { closed_ = true; }

    bool is_closed() const noexcept {
        std::lock_guard guard{lock_};
        return closed_;
    }

    // Interrupts every member, or those forked under the frame `under`. O(members).
    void interrupt(fiber_id by, void const* under = nullptr) noexcept { finish(freeze(by, under, false)); }
    void interrupt_others(fiber_id by, nursery_member const* self) noexcept {
        finish(freeze(by, nullptr, false, self));
    }

    // Interrupts every member, and those that join later too.
    void stop(fiber_id by) noexcept { finish(freeze(by, nullptr, true)); }

    bool is_stopped() const noexcept {
        std::lock_guard guard{lock_};
        return stopped_;
    }

    // After stop(): members that join are left alone again.
    void go_on() noexcept {
        std::lock_guard guard{lock_};
        stopped_ = false;
    }

    // True: nothing to wait for. False: `w` is told once when every member (or every one
    // forked under `under`) has left; with all awaited, those that join meanwhile count too.
    [[nodiscard]] bool wait(nursery_waiter& w, void const* under = nullptr) noexcept {
        std::lock_guard guard{lock_};
        return !enlist(w, under);
    }

    // As wait() for all, and refuses new members in the same step once there is none.
    [[nodiscard]] bool wait_and_close(nursery_waiter& w) noexcept {
        std::lock_guard guard{lock_};
        closed_ = !enlist(w, nullptr);
        return closed_;
    }

    // The waiter gives up. True: it will not be told any more; false: it has been or is being told.
    [[nodiscard]] bool stop_waiting() noexcept {
        std::lock_guard guard{lock_};
        return std::exchange(waiter_, nullptr) != nullptr;
    }

    // For any number of waiters at once. True: nobody to wait for. False: `j` is told once when
    // that is so. The nursery outlives the wait.
    [[nodiscard]] bool join(nursery_joiner& j) noexcept {
        nursery_joiner* joined = nullptr;
        bool done = false;
        {
            std::lock_guard guard{lock_};
            joining_members_ += j.self_ != nullptr ? 1 : 0;
            j.next_ = joiners_;
            joiners_ = &j;
            joined = take_joined(); // others may have waited for this one only
            done = joined != nullptr && take_out(joined, j);
        }
        tell(joined);
        return done;
    }
    // As stop_waiting().
    [[nodiscard]] bool stop_joining(nursery_joiner& j) noexcept {
        std::lock_guard guard{lock_};
        if (!take_out(joiners_, j)) {
            return false;
        }
        joining_members_ -= j.self_ != nullptr ? 1 : 0;
        return true;
    }

    // The frame `from` returned normally: what it forked now belongs to its caller `to`.
    void reparent(void const* from, void const* to) noexcept {
        std::lock_guard guard{lock_};
        for (nursery_member* m = newest_; m != nullptr; m = m->older_) {
            m->under_ = m->under_ == from ? to : m->under_;
        }
    }

    // For diagnostics: a fiber's children head a chain of the groups that it is in just now. The
    // fiber alone changes it; nursery_walk follows it from any thread, under the same lock. (What
    // the fibers of a scheduler head is in stream_nursery.hpp.)
    void attach(nursery& group) noexcept {
        std::lock_guard guard{lock_};
        group.next_ = std::exchange(next_, &group);
    }
    void detach(nursery& group) noexcept {
        std::lock_guard guard{lock_};
        nursery** at = &next_;
        while (*at != &group) {
            at = &(*at)->next_;
        }
        *at = group.next_;
    }
    // The next of the chain; for the fiber itself.
    nursery* next() const noexcept { return next_; }

    std::size_t size() const noexcept {
        std::lock_guard guard{lock_};
        return size_;
    }

private:
    friend class nursery_walk;
    friend class stream_nursery;

    // Under the lock. It waits for nothing yet, so it is not frozen.
    COIR_NOINLINE void interrupt_newcomer(nursery_member& m) noexcept {
        if (stopped_) {
            m.interrupt_member(stopped_by_);
        }
        for (nursery_joiner* j = joiners_; j != nullptr; j = j->next_) {
            if (j->stops_) {
                m.interrupt_member(j->by_);
            }
        }
    }

    // Two steps, because what a member waits for may take locks when it is left, and wake others
    // that come back here. A frozen member cannot end, so it stays valid between the steps.
    nursery_member* freeze(fiber_id by, void const* under, bool stop, nursery_member const* but = nullptr) noexcept {
        std::lock_guard guard{lock_};
        if (stop && !stopped_) {
            stopped_ = true;
            stopped_by_ = by;
        }
        nursery_member* frozen = nullptr;
        nursery_member** last = &frozen;
        for (nursery_member* m = newest_; m != nullptr; m = m->older_) {
            if (m != but && (under == nullptr || m->under_ == under) && m->interrupt_member(by)) {
                m->next_frozen_ = nullptr;
                *last = m;
                last = &m->next_frozen_;
            }
        }
        return frozen;
    }
    static void finish(nursery_member* frozen) noexcept {
        if (frozen == nullptr) {
            return;
        }
        callbacks_later const all_are_let_go;
        while (frozen != nullptr) {
            std::exchange(frozen, frozen->next_frozen_)->finish_interrupt();
        }
    }

    // Under the lock. False: there is nobody to wait for.
    bool enlist(nursery_waiter& w, void const* under) noexcept {
        awaited_ = 0;
        for (nursery_member* m = newest_; m != nullptr; m = m->older_) {
            m->awaited_ = under == nullptr || m->under_ == under;
            awaited_ += m->awaited_ ? 1 : 0;
        }
        if (awaited_ == 0) {
            return false;
        }
        waits_for_all_ = under == nullptr;
        waiter_ = &w;
        return true;
    }

    // Under the lock: takes out those who need not wait any longer, in the order they came.
    COIR_NOINLINE nursery_joiner* take_joined() noexcept {
        bool const only_joiners = size_ == joining_members_;
        nursery_joiner* joined = nullptr;
        for (nursery_joiner** at = &joiners_; *at != nullptr;) {
            nursery_joiner& j = **at;
            if (size_ == 0 || (only_joiners && j.self_ != nullptr)) {
                joining_members_ -= j.self_ != nullptr ? 1 : 0;
                *at = j.next_;
                j.next_ = joined;
                joined = &j;
            } else {
                at = &j.next_;
            }
        }
        return joined;
    }
    static bool take_out(nursery_joiner*& from, nursery_joiner& j) noexcept {
        for (nursery_joiner** at = &from; *at != nullptr; at = &(*at)->next_) {
            if (*at == &j) {
                *at = j.next_;
                return true;
            }
        }
        return false;
    }
    COIR_NOINLINE static void tell(nursery_joiner* joined) noexcept {
        while (joined != nullptr) {
            std::exchange(joined, joined->next_)->nursery_quiet(); // which may be gone then
        }
    }

    nursery_waiter* unlink(nursery_member& m, nursery_joiner*& joined) noexcept {
        std::lock_guard guard{lock_};
        (m.newer_ != nullptr ? m.newer_->older_ : newest_) = m.older_;
        if (m.older_ != nullptr) {
            m.older_->newer_ = m.newer_;
        }
        --size_;
        if (joiners_ != nullptr) [[unlikely]] {
            joined = take_joined();
        }
        if (!m.awaited_ || --awaited_ != 0) {
            return nullptr;
        }
        return std::exchange(waiter_, nullptr);
    }

    mutable spin_lock lock_;
    bool closed_ = false;
    bool untouched_ = true;
    bool stopped_ = false;
    bool of_a_stream_ = false; // it is a stream_nursery
    bool waits_for_all_ = false;
    fiber_id stopped_by_;
    nursery_member* newest_ = nullptr;
    nursery_waiter* waiter_ = nullptr;
    nursery_joiner* joiners_ = nullptr; // the newest first
    nursery* next_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t awaited_ = 0;
    std::uint32_t joining_members_ = 0;
};

} // namespace coir::inline v0::detail
