// One run of an upstream that several readers share: what was pulled and not yet read, who waits
// for more, the fiber that pulls, and how it ended.
//
// Everything changes under one lock. The fiber that pulls does so only when it is wanted:
//     a reader waits, which has read everything, and there is room for what may come.
// A waiter that is woken looks for itself; it is handed nothing, so a cancelled one gives nothing
// back. Whoever uses a run keeps it, so nobody need wait for cancellers.
//
//     open --nobody reads, and it does not wait for others--> retired --> upstream is closed
//     open or retired --finish()--> ended; then readers get what is left, and the end
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/waiting_line.hpp>
#include <coir/outcome.hpp>
#include <coir/runtime/scheduler.hpp>

#include <optional>
#include <utility>

namespace coir::inline v0::detail {

// Whether a run that nobody reads any more waits for other readers, or is stopped.
enum class unused_run : bool { waits, is_stopped };

// A reader that waits, which has read everything.
template <class Reader>
class read_waiting : public line_waiter {
protected:
    explicit read_waiting(Reader& r) noexcept : reader_{&r} {}
    ~read_waiting() = default;

    Reader& reader() const noexcept { return *reader_; }

private:
    template <class, class>
    friend class shared_run;

    Reader* reader_;
};

template <class Log, class E>
class shared_run {
public:
    using log = Log;
    using value_type = typename Log::value_type;
    using error_type = E;
    using reader = typename Log::reader;
    using taken = typename Log::taken;
    using end_type = outcome<void, E>;

    shared_run(Log&& l, unused_run u) noexcept(std::is_nothrow_move_constructible_v<Log>)
        : unused_{u}, log_{std::move(l)} {}
    shared_run(shared_run const&) = delete;
    shared_run& operator=(shared_run const&) = delete;
    ~shared_run() { report_unhandled(); }

    // ---- Readers.

    // False: it is retired, or has ended and is not joined then.
    [[nodiscard]] bool join(reader& r, bool after_its_end) noexcept {
        wake_batch wakes;
        std::lock_guard guard{lock_};
        if (retired_ || (ended_ && !after_its_end)) {
            return false;
        }
        log_.join(r);
        if (readers_++ == 0) {
            wake_all(usage_, wakes);
        }
        return true;
    }

    void leave(reader& r) noexcept {
        bool retired = false;
        {
            typename Log::bin old;
            wake_batch wakes;
            std::lock_guard guard{lock_};
            log_.leave(r, old);
            if (--readers_ == 0) {
                retired = retired_ = retired_ || unused_ == unused_run::is_stopped;
                wake_all(usage_, wakes);
            }
            wake_pump(wakes);
        }
        if (retired) {
            stop_.succeed();
        }
    }

    enum class found : unsigned char { element, end, nothing };

    // nothing: `w` waits for `f`.
    found read_or_wait(taken& out, read_waiting<reader>& w, fiber_base& f, leaf& l) noexcept {
        typename Log::bin old;
        wake_batch wakes;
        std::lock_guard guard{lock_};
        found const got = read(*w.reader_, out, old);
        if (got == found::nothing) {
            f.begin_wait(&l);
            waiting_.join(w, f);
        }
        wake_pump(wakes);
        return got;
    }
    // After a wake. nothing: what came was not for this one, wait again.
    found read_now(reader& r, taken& out) noexcept {
        typename Log::bin old;
        wake_batch wakes;
        std::lock_guard guard{lock_};
        found const got = read(r, out, old);
        wake_pump(wakes);
        return got;
    }

    // Once a reader was told of it.
    end_type const& end() const noexcept { return *end_; }

    // ---- The fiber that pulls.

    bool is_wanted() const noexcept {
        std::lock_guard guard{lock_};
        return wanted();
    }
    // False: `w` waits for `f`.
    bool wanted_or_wait(line_waiter& w, fiber_base& f, leaf& l) noexcept {
        std::lock_guard guard{lock_};
        if (wanted()) {
            return true;
        }
        f.begin_wait(&l);
        pump_.join(w, f);
        return false;
    }

    // Throws what allocating, and deciding who gets the element, throw.
    void append(value_type&& element) {
        auto sealed = log_.seal(std::move(element));
        for (typename Log::memory more;;) {
            typename Log::bin old;
            wake_batch wakes;
            {
                std::lock_guard guard{lock_};
                log_.take_memory(sealed, more);
                if (log_.has_memory(sealed)) {
                    log_.append(sealed, old);
                    waiting_.for_each([&](read_waiting<reader>& w) {
                        if (log_.is_for(sealed, *w.reader_)) {
                            wakes.wake(w, leaving_);
                        }
                    });
                    return;
                }
            }
            more = log_.more_memory(sealed); // nobody else appends
        }
    }

    // Upstream has been closed. Once.
    void finish(end_type&& end) noexcept {
        end_.emplace(std::move(end));
        {
            wake_batch wakes;
            std::lock_guard guard{lock_};
            ended_ = true;
            wake_all(waiting_, wakes);
        }
        stopped_.succeed();
    }
    // For the fiber that pulls, the only one to finish it.
    bool has_ended() const noexcept {
        std::lock_guard guard{lock_};
        return ended_;
    }

    // ---- Its life.

    // Done when it is retired; done when upstream has been closed.
    deferred<>& stop() noexcept { return stop_; }
    deferred<>& stopped() noexcept { return stopped_; }

    bool is_retired() const noexcept {
        std::lock_guard guard{lock_};
        return retired_;
    }
    // Nobody will read it.
    void retire() noexcept {
        {
            std::lock_guard guard{lock_};
            retired_ = true;
        }
        stop_.succeed();
    }
    bool retire_if_unused() noexcept {
        {
            std::lock_guard guard{lock_};
            if (readers_ != 0) {
                return false;
            }
            retired_ = true;
        }
        stop_.succeed();
        return true;
    }
    // Until somebody reads it, or nobody does. False: `w` waits for `f`.
    bool usage_or_wait(bool used, line_waiter& w, fiber_base& f, leaf& l) noexcept {
        std::lock_guard guard{lock_};
        if ((readers_ != 0) == used) {
            return true;
        }
        f.begin_wait(&l);
        usage_.join(w, f);
        return false;
    }

    // For leaf::cancel, which wakes the fiber afterwards.
    void withdraw(line_waiter& w) noexcept {
        std::lock_guard guard{lock_};
        any_line::leave(w);
    }

private:
    bool wanted() const noexcept { return !waiting_.empty() && !log_.waits_for_room(); }

    found read(reader& r, taken& out, typename Log::bin& old) noexcept {
        log_.read(r, out, old);
        if (out) {
            return found::element;
        }
        observed_ = observed_ || ended_;
        return ended_ ? found::end : found::nothing;
    }

    void wake_pump(wake_batch& wakes) noexcept {
        if (wanted()) {
            wake_all(pump_, wakes);
        }
    }
    template <class Waiter>
    void wake_all(waiting_line<Waiter>& line, wake_batch& wakes) noexcept {
        while (!line.empty()) {
            wakes.wake(line.front(), leaving_);
        }
    }

    // As a fiber's end that nobody looked at.
    void report_unhandled() noexcept {
        if (!end_ || observed_ || !(end_->is_failure() || end_->is_defect())) {
            return;
        }
        unhandled_outcome const what{fiber_id{}, "a shared stream", end_->is_defect() ? end_->defect() : nullptr};
        if (scheduler* const here = this_worker().current) {
            here->on_unhandled(what);
        } else {
            print_unhandled(what);
        }
    }

    unused_run const unused_;
    mutable spin_lock lock_;
    bool retired_ = false;
    bool ended_ = false;
    bool observed_ = false;
    std::size_t readers_ = 0;
    Log log_;
    waiting_line<read_waiting<reader>> waiting_;
    waiting_line<line_waiter> pump_;
    waiting_line<line_waiter> usage_;
    any_line leaving_;
    std::optional<end_type> end_; // written before ended_ is set
    deferred<> stop_;
    deferred<> stopped_;
};

} // namespace coir::inline v0::detail
