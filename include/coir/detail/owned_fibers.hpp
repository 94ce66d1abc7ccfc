// What fiber_slot, fiber_map and fiber_set share: fibers that a scope owns and a group keeps.
//
// Two things are known of a fiber of the group. It *runs* from when it joined the scope until its
// end is visible; and it has an *entry*, as long as it is what its slot or key stands for: until
// it ends, is replaced or is removed. An entry is taken away from the fiber that has it, never
// from a key, so nobody takes away that of a later one.
//
// The scope, the group's object, and each running fiber hold this; whoever comes last frees it. A lock
// guards it, under which no code of users runs, and under which the scope's own may be taken.
#pragma once

#include <coir/detail/group.hpp>
#include <coir/detail/owned_member.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace coir::inline v0::detail {

class owned_fibers {
public:
    explicit owned_fibers(group& scope) noexcept : where_{&scope.owner().where()}, home_{&scope.members()} {}
    owned_fibers(owned_fibers const&) = delete;
    owned_fibers& operator=(owned_fibers const&) = delete;

    scheduler& where() const noexcept { return *where_; }
    nursery& home() const noexcept { return *home_; }

    // How many have entries.
    std::size_t size() const noexcept {
        std::lock_guard guard{lock_};
        return entries_;
    }
    bool is_closed() const noexcept {
        std::lock_guard guard{lock_};
        return closed_;
    }

    // None joins any more; the scope is not looked at again.
    void close() noexcept {
        std::lock_guard guard{lock_};
        closed_ = true;
    }

    // Asks all that run to end. O(running fibers).
    void interrupt_all(fiber_id by) noexcept {
        frozen_members frozen;
        std::lock_guard guard{lock_};
        freeze_all(frozen, by);
    }

    // ---- For the operations: true, or `w` waits.

    [[nodiscard]] bool empty_or_wait(owned_waiter& w, fiber_base& f, leaf& l) noexcept {
        std::lock_guard guard{lock_};
        return oldest_ == nullptr || wait(emptied_, w, f, l);
    }
    // Also wakes `w` when the first member fails.
    [[nodiscard]] bool failed_or_wait(owned_waiter& w, fiber_base& f, leaf& l) noexcept {
        std::lock_guard guard{lock_};
        return oldest_ == nullptr || first_failed_ != nullptr || wait(joined_, w, f, l);
    }
    // Takes all entries away and asks all that run to end; waits for these, and no later ones.
    [[nodiscard]] bool clear_or_wait(owned_waiter& w, fiber_base& f, leaf& l, bool close) noexcept {
        frozen_members frozen;
        std::lock_guard guard{lock_};
        closed_ = closed_ || close;
        if (oldest_ == nullptr) {
            return true;
        }
        for (owned_member* m = oldest_; m != nullptr; m = m->newer_) {
            take_entry(*m);
        }
        freeze_all(frozen, f.id());
        w.up_to_ = newest_->number_;
        return wait(cleared_, w, f, l);
    }
    // The fiber of `w` is being cancelled.
    void withdraw(owned_waiter& w) noexcept {
        std::lock_guard guard{lock_};
        any_line::leave(w);
    }

    // The first that failed or died, retained, or null.
    fiber_base* first_failed() const noexcept {
        std::lock_guard guard{lock_};
        if (first_failed_ != nullptr) {
            first_failed_->retain();
        }
        return first_failed_;
    }

    // ---- For a member.

    // Its work has ended, which nobody sees yet.
    void ending(owned_member& m) noexcept {
        std::lock_guard guard{lock_};
        take_entry(m);
    }

    // Its outcome is there for everybody.
    void ended(owned_member& m, bool failed) noexcept {
        if (m.number_ == 0) {
            return; // it never joined
        }
        wake_batch wakes; // first, so that it posts when the lock is free
        std::unique_lock guard{lock_};
        unlink(m);
        if (failed && first_failed_ == nullptr) {
            m.fiber_->retain();
            first_failed_ = m.fiber_;
            wake_all(joined_, wakes);
        }
        while (!cleared_.empty() && (oldest_ == nullptr || oldest_->number_ > cleared_.front().up_to_)) {
            wakes.wake(cleared_.front(), leaving_);
        }
        if (oldest_ == nullptr) {
            wake_all(emptied_, wakes);
            wake_all(joined_, wakes);
        }
        owned_member* const next = m.successor_;
        guard.unlock();
        if (next != nullptr) {
            next->fiber_->post();
        }
    }

protected:
    virtual ~owned_fibers() {
        if (first_failed_ != nullptr) {
            first_failed_->release(); // and if nobody looked at it, it is reported
        }
    }

    // ---- Under the lock.

    // False: nobody joins any more. `m` gets an entry.
    [[nodiscard]] bool admit(owned_member& m) noexcept {
        if (closed_ || !home_->add(*m.fiber_)) {
            return false;
        }
        m.number_ = ++last_number_;
        m.older_ = newest_;
        (newest_ != nullptr ? newest_->newer_ : oldest_) = &m;
        newest_ = &m;
        m.has_entry_ = true;
        ++entries_;
        return true;
    }

    // `next`, which was admitted, takes the place of `before`. True: it is to be posted now.
    bool replace(owned_member& before, owned_member& next, bool after_it, frozen_members& frozen,
                 fiber_id by) noexcept {
        take_entry(before);
        frozen.add(before, by);
        before.successor_ = after_it ? &next : nullptr;
        return !after_it;
    }

    void take_entry(owned_member& m) noexcept {
        if (m.has_entry_) {
            m.has_entry_ = false;
            --entries_;
            forget(m);
        }
    }
    // What a kind of group keeps of the member that has the entry.
    virtual void forget(owned_member& m) noexcept = 0;

    std::size_t entries() const noexcept { return entries_; }
    // Those that have entries, the oldest first.
    template <class F>
    void for_each_entry(F f) const {
        for (owned_member* m = oldest_; m != nullptr; m = m->newer_) {
            if (m->has_entry_) {
                f(*m);
            }
        }
    }

    spin_lock& lock() const noexcept { return lock_; }

private:
    void freeze_all(frozen_members& frozen, fiber_id by) noexcept {
        for (owned_member* m = oldest_; m != nullptr; m = m->newer_) {
            frozen.add(*m, by);
        }
    }

    bool wait(waiting_line<owned_waiter>& line, owned_waiter& w, fiber_base& f, leaf& l) noexcept {
        f.begin_wait(&l);
        line.join(w, f);
        return false;
    }
    void wake_all(waiting_line<owned_waiter>& line, wake_batch& wakes) noexcept {
        while (!line.empty()) {
            wakes.wake(line.front(), leaving_);
        }
    }

    void unlink(owned_member& m) noexcept {
        (m.newer_ != nullptr ? m.newer_->older_ : newest_) = m.older_;
        (m.older_ != nullptr ? m.older_->newer_ : oldest_) = m.newer_;
    }

    mutable spin_lock lock_;
    bool closed_ = false;
    scheduler* where_;
    nursery* home_;                  // not looked at when closed
    owned_member* oldest_ = nullptr; // of those that run, in the order of their numbers
    owned_member* newest_ = nullptr;
    std::uint64_t last_number_ = 0;
    std::size_t entries_ = 0;
    fiber_base* first_failed_ = nullptr;
    waiting_line<owned_waiter> emptied_;
    waiting_line<owned_waiter> joined_;
    waiting_line<owned_waiter> cleared_; // in the order of up_to_
    waiting_line<owned_waiter> leaving_;
};

} // namespace coir::inline v0::detail
