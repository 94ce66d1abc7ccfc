// Every live fiber below a nursery, read from any thread.
//
// Nurseries and fibers are a tree already, so nothing is registered anywhere:
//
//     scheduler.fibers() -> fiber -> its children() -> the groups it is in -> fiber -> ...
//                        -> the fibers of streams -> fiber -> ...
//
// Why what is visited is alive: a member leaves under its nursery's lock, and a fiber with a child,
// or a group with a member, does not end. So the walk holds the lock of one nursery that has a
// member, and with that all above it. It lets go of a lock only for the one of the next level, in
// which it has found a member. On the way back it takes the lock above before it lets go of the
// one below. Nobody else takes two of these locks, and walks take turns, so there is no deadlock.
//
// Why what is read is not written: a suspended fiber is held by its claim (claim_word::hold) while
// it is read. To sources and cancellers it is as if it had not parked yet; what they leave to it is
// done by the walk, as the fiber itself would have done it. Others are read by what is atomic.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/stream_nursery.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace coir::inline v0::detail {

// What the walk has at hand; valid during the call.
struct visited_fiber {
    fiber_base& fiber;
    bool held; // else it is queued, running, woken or being cancelled
    fiber_id parent;
    std::size_t depth;
};

class nursery_walk {
public:
    nursery_walk() = default;
    nursery_walk(nursery_walk const&) = delete;
    nursery_walk& operator=(nursery_walk const&) = delete;
    ~nursery_walk() {
        if (!levels_.empty()) { // visit() threw
            here().group->lock_.unlock();
        }
        wake_left_over();
    }

    // Calls `visit(visited_fiber)` for each, parents before their children and the oldest first.
    // Under a lock: it must be short and call no code of users. One walk at a time. O(fibers).
    template <class Visit>
    void operator()(nursery& roots, Visit visit) {
        levels_.reserve(1);
        roots.lock_.lock();
        levels_.push_back(level_of(roots, roots, fiber_id{}));
        while (!levels_.empty()) {
            if (here().at == nullptr || here().left == 0) {
                leave_nursery();
                continue;
            }
            auto& f = static_cast<fiber_base&>(*here().at);
            read(f, visit);
            if (!enter_children(f)) {
                here().step();
            }
        }
        wake_left_over();
    }

private:
    struct level {
        nursery* children; // heads the chain
        nursery* group;    // of that chain; locked, if this is the innermost level
        nursery_member* at;
        std::size_t left; // what joins meanwhile must not keep the walk going for ever
        fiber_id owner;

        void step() noexcept {
            at = at->newer_;
            --left;
        }
    };

    level& here() noexcept { return levels_.back(); }

    static level level_of(nursery& children, nursery& group, fiber_id owner) noexcept {
        nursery_member* oldest = group.newest_;
        while (oldest != nullptr && oldest->older_ != nullptr) {
            oldest = oldest->older_;
        }
        return {&children, &group, oldest, group.size_,
                group.of_a_stream_ ? static_cast<stream_nursery&>(group).consumer() : owner};
    }

    template <class Visit>
    void read(fiber_base& f, Visit& visit) {
        bool const held = f.hold();
        if (held && (left_over_ != nullptr || ++visited_ % pause_every == 0)) {
            // A held fiber does not leave, so the lock can be given away for a moment.
            here().group->lock_.unlock();
            wake_left_over();
            here().group->lock_.lock();
        }
        struct release {
            nursery_walk& walk;
            fiber_base* held;
            ~release() {
                if (held != nullptr && held->let_go() != cancel_state::parked::committed) {
                    walk.keep(*held);
                }
            }
        } const at_the_end{*this, held ? &f : nullptr};
        visit(visited_fiber{f, held, here().owner, levels_.size() - 1});
    }

    // Woken or cancelled while it was held: nobody else touches it before it is passed on.
    void keep(nursery_member& m) noexcept {
        m.next_frozen_ = left_over_;
        left_over_ = &m;
    }
    void wake_left_over() noexcept {
        while (left_over_ != nullptr) {
            auto& f = static_cast<fiber_base&>(*std::exchange(left_over_, left_over_->next_frozen_));
            if (claim_word::state(f.seen_claim()) == wait_state::cancelling) {
                f.finish_cancel();
            } else {
                f.post();
            }
        }
    }

    // The first group with a member from `g` on, locked. Under the lock of `children`.
    static nursery* occupied(nursery& children, nursery* g) noexcept {
        for (; g != nullptr; g = g->next_) {
            if (g != &children) {
                g->lock_.lock();
            }
            if (g->newest_ != nullptr) {
                return g;
            }
            if (g != &children) {
                g->lock_.unlock();
            }
        }
        return nullptr;
    }

    bool enter_children(fiber_base& f) {
        if (levels_.size() == levels_.capacity()) {
            levels_.reserve(2 * levels_.size()); // may throw, so before the lock
        }
        nursery& children = f.children();
        nursery& outer = *here().group;
        children.lock_.lock();
        nursery* const first = occupied(children, &children);
        if (first != &children) {
            children.lock_.unlock();
        }
        if (first == nullptr) {
            return false;
        }
        outer.lock_.unlock();
        levels_.push_back(level_of(children, *first, f.id()));
        return true;
    }

    void leave_nursery() noexcept {
        nursery& children = *here().children;
        nursery& left = *here().group;
        if (&left != &children) {
            children.lock_.lock();
        }
        nursery* const next = occupied(children, left.next_);
        if (&left != &children) {
            children.lock_.unlock();
        }
        if (next != nullptr) {
            here() = level_of(children, *next, here().owner);
        } else {
            levels_.pop_back();
            if (!levels_.empty()) {
                here().group->lock_.lock();
                here().step();
            }
        }
        left.lock_.unlock();
    }

    static constexpr std::size_t pause_every = 64;

    std::vector<level> levels_;
    nursery_member* left_over_ = nullptr;
    std::size_t visited_ = 0;
};

} // namespace coir::inline v0::detail
