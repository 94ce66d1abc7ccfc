// One reader of a shared upstream, as a stream.
#pragma once

#include <coir/detail/outcome_view.hpp>
#include <coir/detail/wait_leaf.hpp>
#include <coir/stream/concept.hpp>
#include <coir/stream/shared/upstream.hpp>

namespace coir::inline v0::detail {

// It reads from when it was made until it has been closed, or is destroyed unused.
template <class Run>
class shared_source {
    using upstream = shared_upstream<Run>;

public:
    using value_type = typename Run::value_type;
    using error_type = typename Run::error_type;

    // Has joined.
    shared_source(std::shared_ptr<upstream> user, std::shared_ptr<Run> run, typename Run::reader&& r) noexcept
        : user_{std::move(user)}, run_{std::move(run)}, reader_{std::move(r)} {}
    shared_source(shared_source&& other) noexcept // between pulls
        : user_{std::move(other.user_)}, run_{std::move(other.run_)}, reader_{std::move(other.reader_)},
          reads_{std::exchange(other.reads_, false)} {}
    ~shared_source() { leave(); }

    COIR_UNINITIALIZED_GUESSES_OFF
    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        for (;;) {
            if (!reading_) {
                reading_.emplace(*run_, reader_);
            }
            status const s = reading_->poll(f);
            if (s != status::value) {
                return s;
            }
            auto const found = reading_->what_was_found();
            auto taken = std::move(reading_->taken());
            reading_.reset();
            if (found == Run::found::element) {
                out.emplace(Run::log::open(std::move(taken)));
                return status::value;
            }
            if (found == Run::found::end) {
                return ended();
            }
        }
    }
    COIR_UNINITIALIZED_GUESSES_ON

    // The last one to leave stops upstream, and waits until it is closed.
    status poll_close(fiber_base& f) noexcept {
        leave();
        if (!run_->is_retired()) {
            return status::value;
        }
        auto const stopped = stopped_.poll(f, run_->stopped().get_cell().waiters());
        return stopped == wait_leaf::progress::pending ? status::pending : status::value;
    }

    error_type const& error() const
        requires(!std::same_as<error_type, never>)
    {
        return run_->end().error();
    }
    std::exception_ptr defect() const { return run_->end().defect(); }
    fiber_id interrupted_by() const { return ended_ ? run_->end().interrupted_by() : fiber_id{}; }

private:
    status ended() noexcept {
        ended_ = true;
        status const end = status_of(run_->end().kind());
        return end == status::value ? status::end : end;
    }
    void leave() noexcept {
        if (std::exchange(reads_, false)) {
            run_->leave(reader_);
            user_.reset();
        }
    }

    std::shared_ptr<upstream> user_;
    std::shared_ptr<Run> run_;
    typename Run::reader reader_;
    std::optional<shared_read<Run>> reading_;
    wait_leaf stopped_;
    bool reads_ = true;
    bool ended_ = false;
};

} // namespace coir::inline v0::detail
