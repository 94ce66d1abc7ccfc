// What a stage that listens to several things at once is made of: the fibers that it owns, the
// lock over what they share with it, and its consumer, the fiber that pulls it.
//
//     enter(f)             at the beginning of each pull
//     wait(f, look)        the consumer waits until look(), under the lock, says true
//     wake_consumer(w)     under the lock, by who has changed something
//     fail(end)            by a fiber of the stage: it failed, and so has the stage
//     poll_close(f)        stops the fibers and waits until each has closed its upstream
//
// A pull that is given up ends the consumer's wait and nothing else. The scope stays at its place;
// a stage makes it with its first pull (started_state.hpp).
#pragma once

#include <coir/detail/checked.hpp>
#include <coir/detail/guarded_wait.hpp>
#include <coir/detail/later_end.hpp>
#include <coir/detail/operation.hpp>
#include <coir/detail/stream_nursery.hpp>
#include <coir/stream/concept.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace coir::inline v0::detail {

// How a fiber of a stage ended the pulls. Under the lock of the scope.
class source_end {
public:
    // pending: it pulls.
    status how() const noexcept { return how_; }
    std::exception_ptr const& defect() const noexcept { return defect_; }

protected:
    source_end() = default;
    ~source_end() = default;

    void set_end(status how, std::exception_ptr defect) noexcept {
        how_ = how;
        defect_ = std::move(defect);
    }

private:
    status how_ = status::pending;
    std::exception_ptr defect_;
};

class stage_scope : private nursery_waiter {
public:
    // `what`: what the consumer waits for, as leaf::what().
    explicit stage_scope(char const* what) noexcept : consumer_{lock_, what} {}
    ~stage_scope() { COIR_CHECK(!members_.is_shown(), "a stream was destroyed while open, without its sink"); }
    stage_scope(stage_scope const&) = delete;
    stage_scope& operator=(stage_scope const&) = delete;

    spin_lock& lock() noexcept { return lock_; }
    nursery& members() noexcept { return members_; }

    // ---- For the consumer.

    // For each pull. The fibers are shown below the one that pulls.
    void enter(fiber_base& f) noexcept {
        if (pulled_by_ != f.id()) [[unlikely]] {
            pulled_by_ = f.id();
            members_.set_consumer(f.id());
            if (!members_.is_shown()) {
                members_.show(f.where().fibers());
            }
        }
    }

    // value: look() said true, as guarded_wait::poll. If a fiber of the stage has failed: its end,
    // which is how the stage ends.
    template <class Look>
    status wait(fiber_base& f, Look look) noexcept {
        source_end* failed = nullptr;
        status const s = consumer_.poll(f, [&] {
            failed = failed_;
            return failed != nullptr || look();
        });
        given_up_ = s == status::cancelled;
        return failed != nullptr ? end_as(*failed) : s;
    }

    // The stage ends as this fiber of it did.
    status end_as(source_end& end) noexcept {
        ended_as_ = &end;
        return end.how();
    }
    // As which it ended: wait() said so, or end_as() was called.
    source_end* ended_as() const noexcept { return ended_as_; }
    // Once it is closed: the first that failed, if that is of use to a consumer who was not told. It
    // is to one who was interrupted, and so cleans up; not to one who has got what it wanted.
    source_end* untold_failure() const noexcept {
        return ended_as_ == nullptr && given_up_ && failed_ != nullptr && failed_->how() == status::failure ? failed_
                                                                                                            : nullptr;
    }

    // After the last pull, masked, until it is value, or defect: a finalizer threw.
    status poll_close(fiber_base& f) noexcept {
        if (!std::exchange(closing_, true)) {
            members_.stop(f.id());
        } else if (waits_ && f.end_wait() == wake::none) {
            return status::pending;
        }
        if (!closed_) {
            f.begin_masked_wait("the fibers of a stream");
            closer_ = &f;
            waits_ = !members_.wait_and_close(*this);
            if (waits_) {
                return status::pending;
            }
            closed_ = true;
            members_.hide();
            take_thrown(f);
        }
        return thrown_ ? status::defect : status::value;
    }

    // As of a stream: of the pulls, and from the first poll_close on of the closing.
    std::exception_ptr defect() const noexcept {
        return closing_ || ended_as_ == nullptr ? thrown_ : ended_as_->defect();
    }

    // ---- For the fibers of the stage, on any thread.

    // Under the lock.
    void wake_consumer(wake_batch& wakes) noexcept { wakes.add(consumer_.claim()); }

    // Without the lock, by a member of the scope whose end is set: the first is how the stage ends,
    // and all others are interrupted. True for that one.
    bool fail(source_end& end, fiber_id by) noexcept {
        bool first = false;
        {
            wake_batch wakes;
            std::lock_guard const guard{lock_};
            first = failed_ == nullptr;
            if (first) {
                failed_ = &end;
            }
            wake_consumer(wakes);
        }
        members_.stop(by);
        return first;
    }

    // What finalizers threw: `first` in closing a stream that had not failed, `more` otherwise.
    // Kept until the stage is closed. Without the lock.
    void note_thrown(std::exception_ptr first, suppressed_list more) {
        if (first || !more.view().empty()) {
            keep(std::make_unique<note>(note{std::move(first), std::move(more), nullptr, status::defect, nullptr}));
        }
    }

    // How `of` failed in a pull: a defect, or a failure after the one that fail() was true for. Null
    // for none. The same.
    void note_failed(source_end const& of, std::exception_ptr thrown) {
        if (thrown) {
            keep(std::make_unique<note>(note{std::move(thrown), {}, &of, of.how(), nullptr}));
        }
    }

private:
    struct note {
        std::exception_ptr first;
        suppressed_list more;
        source_end const* in_a_pull_of; // null: in closing
        status how;
        std::unique_ptr<note> next;
    };

    void keep(std::unique_ptr<note> made) noexcept {
        std::lock_guard const guard{lock_};
        std::unique_ptr<note>* last = &notes_;
        while (*last != nullptr) {
            last = &(*last)->next;
        }
        *last = std::move(made);
    }

    // What closing threw first is the stage's own defect, the rest is suppressed.
    void take_thrown(fiber_base& f) noexcept {
        for (std::unique_ptr<note> n = std::move(notes_); n != nullptr; n = std::move(n->next)) {
            if (n->in_a_pull_of != nullptr) {
                add_later(f, is_news(*n) ? n->first : nullptr);
            } else if (n->first && (ended_as_ == nullptr || ended_as_->defect() != n->first)) {
                if (!thrown_) {
                    thrown_ = std::move(n->first);
                } else {
                    add_later(f, n->first);
                }
            }
            add_later(f, n->more.view());
        }
    }
    // Who got what it wanted, before the stage ended, does not hear of failures in looking for more;
    // a defect is always told.
    bool is_news(note const& n) const noexcept {
        return n.in_a_pull_of != ended_as_ && (ended_as_ != nullptr || given_up_ || n.how == status::defect);
    }

    void nursery_quiet() noexcept override { closer_->fire(); } // it is masked

    spin_lock lock_;
    guarded_wait consumer_;
    stream_nursery members_;
    fiber_id pulled_by_;
    fiber_base* closer_ = nullptr;
    source_end* failed_ = nullptr;   // under the lock
    source_end* ended_as_ = nullptr; // the consumer's own
    std::unique_ptr<note> notes_;
    std::exception_ptr thrown_; // in closing
    bool given_up_ = false;     // the last pull, by the consumer
    bool closing_ = false;
    bool waits_ = false;
    bool closed_ = false;
};

} // namespace coir::inline v0::detail
