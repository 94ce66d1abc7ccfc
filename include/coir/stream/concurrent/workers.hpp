// A stage that works on up to n elements at once: a feeder pulls upstream, workers take what it
// pulls. A worker is made when an element finds none that is free, and then kept.
//
// Work: the stream that a worker pulls, over a job_source; made by `Work::make(desk, function)`.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/pooled.hpp>
#include <coir/stream/concurrent/job_desk.hpp>
#include <coir/stream/concurrent/started_stage.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace coir::inline v0::detail {

// A function of the user that workers share, each calling it on its own.
template <class F>
class shared_function {
public:
    explicit shared_function(F& f) noexcept : f_{&f} {}

    template <class... Args>
        requires std::invocable<F&, Args...>
    decltype(auto) operator()(Args&&... args) const {
        return detail::invoke(*f_, std::forward<Args>(args)...);
    }

private:
    F* f_;
};

template <class Up, class Work, class F>
class worker_state {
    using element = typename Up::value_type;

public:
    class feeder final : public inlet_base, public stream_pump<Up, feeder> {
        using base = stream_pump<Up, feeder>;

    public:
        feeder(worker_state& in, fiber_base& puller, Up&& up)
            : inlet_base{in.scope, in.news}, base{puller, in.scope.members(), std::move(up)}, in_{in} {}

    private:
        friend base;

        std::optional<element>& place() noexcept { return in_.desk_.place(); }
        status offer(fiber_base& f) noexcept {
            try {
                in_.add_worker(f);
            } catch (...) {
                thrown_ = std::current_exception();
                return status::defect;
            }
            return in_.desk_.offer(f);
        }
        std::exception_ptr thrown() const noexcept { return thrown_; }

        void pulled(status how, std::exception_ptr defect) noexcept {
            end_pulls(how, std::move(defect), *this, scope().members().is_stopped());
            in_.desk_.close();
        }
        void closed(std::exception_ptr thrown) noexcept { end_closing(std::move(thrown), *this, this->upstream()); }

        worker_state& in_;
        std::exception_ptr thrown_;
    };

    using worker = inlet<Work>;

    worker_state(fiber_base& f, char const* what, Up& up, F& function, std::size_t limit)
        : scope{what}, function_(std::move(function)), desk_{scope}, feeder_{*this, f, std::move(up)}, limit_{limit} {}

    void start() noexcept { feeder_.start(); }

    // For the consumer: true once all have ended, told of each that is closed.
    bool is_over(inlet_base const& closed) noexcept {
        fed_ = fed_ || &closed == &feeder_;
        ++closed_;
        return fed_ && closed_ == made_ + 1;
    }

    // The consumer knows it is no feeder.
    static worker& as_worker(inlet_base& in) noexcept { return static_cast<worker&>(in); }

    // Calls `g` with the one that is `which`.
    template <class G>
    auto visit(inlet_base* which, G&& g) {
        return which == &feeder_ ? g(feeder_) : g(as_worker(*which));
    }

    stage_scope scope;
    inlet_news news;

private:
    struct member : pooled {
        member(worker_state& in, fiber_base& puller, std::unique_ptr<member>&& before)
            : works{in.scope, in.news, puller, Work::make(in.desk_, shared_function<F>{in.function_})},
              older{std::move(before)} {}

        worker works;
        std::unique_ptr<member> older;
    };

    // For the feeder, which has an element. Nobody else makes workers.
    void add_worker(fiber_base& puller) {
        if (made_ != limit_ && !desk_.is_offered() && !desk_.has_idle()) {
            newest_ = std::make_unique<member>(*this, puller, std::move(newest_));
            ++made_;
            newest_->works.start();
        }
    }

    F function_;
    job_desk<element> desk_;
    feeder feeder_;
    std::unique_ptr<member> newest_; // the feeder's own until it has ended, as is made_
    std::size_t made_ = 0;
    std::size_t const limit_;
    std::size_t closed_ = 0; // the consumer's
    bool fed_ = false;
};

// The base of such a stage.
template <class Up, class Work, class F>
class workers_stage
    : public started_stage<worker_state<Up, Work, F>, errors<typename Up::error_type, typename Work::error_type>> {
protected:
    using state_type = worker_state<Up, Work, F>;

public:
    using value_type = typename Work::value_type;

    workers_stage(Up&& up, std::size_t limit, F&& f, char const* what)
        : up_{std::move(up)}, f_(std::move(f)), limit_{limit}, what_{what} {}

protected:
    state_type& started(fiber_base& f) { return this->started_with(f, what_, up_, f_, limit_); }

private:
    Up up_; // until the first pull, and so the function
    F f_;
    std::size_t limit_;
    char const* what_;
};

// One that gives what the workers have as it comes.
template <class Up, class Work, class F>
class unordered_workers_stage : public workers_stage<Up, Work, F> {
public:
    using workers_stage<Up, Work, F>::workers_stage;

    status poll_next(fiber_base& f, std::optional<typename Work::value_type>& out) {
        auto& state = this->started(f);
        for (;;) {
            inlet_base* from = nullptr;
            status const s = state.news.wait(state.scope, f, from);
            if (s != status::value) {
                return s;
            }
            if (from->has_element()) {
                state.as_worker(*from).take(out);
                return status::value;
            }
            if (from->is_closed() && state.is_over(*from)) {
                return status::end;
            }
        }
    }
};

// How many at once.
template <std::integral N>
std::size_t checked_limit(N n) {
    if (std::cmp_less(n, 1)) {
        throw std::invalid_argument{"coir: at least one at once"};
    }
    return static_cast<std::size_t>(n);
}

} // namespace coir::inline v0::detail
