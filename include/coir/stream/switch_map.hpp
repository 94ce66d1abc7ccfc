// A stream for the newest element: switch_map.
//
//     queries | streams::switch_map(search) | streams::for_each(show)    // results of the newest query
//
// The fiber that pulls upstream puts what it gets onto a desk and never waits. Another one runs the
// inner stream; while it pulls, a cancel region is around it, which a new element cancels.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/stream/concurrent/newest_desk.hpp>
#include <coir/stream/concurrent/started_stage.hpp>
#include <coir/stream/flattening.hpp>

#include <utility>

namespace coir::inline v0::detail {

// The inner streams, one after the other.
template <class T, class F>
class switching_source {
    static_assert(makes_stream<F, T>, "coir: switch_map takes a function of one element that returns a stream");
    using inner = stream_made_by<F, T>;

public:
    using value_type = typename inner::value_type;
    using error_type = typename inner::error_type;

    switching_source(newest_desk<T>& desk, F& function) noexcept : desk_{&desk}, f_{&function} {}
    switching_source(switching_source&& other) noexcept : desk_{other.desk_}, f_{other.f_} {} // before it is pulled

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        for (;;) {
            switch (at_) {
            case place::between: {
                status const s = desk_->next(f);
                if (s != status::value) {
                    return s;
                }
                inner_.emplace(detail::stream_from(detail::invoke(*f_, std::move(desk_->current()))));
                at_ = place::before_pull;
                break;
            }
            case place::before_pull: at_ = desk_->enter(f) ? place::pulling : place::closing; break;
            case place::pulling: {
                status const s = pull(f, out);
                if (!has_ended(s)) {
                    return s;
                }
                at_ = after_pull(f, s);
                if (at_ != place::closing) {
                    return s;
                }
                break;
            }
            case place::closing: {
                status const s = close_inner(f);
                if (s != status::value) {
                    return s;
                }
                inner_.reset();
                at_ = place::between;
                break;
            }
            case place::over: return status::end;
            }
        }
    }

    status poll_close(fiber_base& f) {
        if (!inner_ || at_ == place::over) {
            return status::value;
        }
        thrown_ = nullptr; // by a pull, which has been told
        return inner_->poll_close(f);
    }

    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return inner_->error();
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : inner_->defect(); }
    fiber_id interrupted_by() { return inner_ ? inner_->interrupted_by() : fiber_id{}; }

    // Under the lock: the element that it gave belongs to an older one of upstream.
    bool is_stale() const noexcept { return desk_->is_fresh(); }

private:
    enum class place : unsigned char { between, before_pull, pulling, closing, over };

    // A throw must not leave the region behind.
    status pull(fiber_base& f, std::optional<value_type>& out) noexcept {
        try {
            return inner_->poll_next(f, out);
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }

    // What came too late for a newer element goes away; a failure counts.
    place after_pull(fiber_base& f, status s) noexcept {
        bool const superseded = desk_->leave(f);
        if (s == status::end) {
            return place::closing;
        }
        if (s == status::value) {
            return superseded ? place::closing : place::before_pull;
        }
        return superseded && s == status::cancelled && !f.cancel_requested() ? place::closing : place::pulling;
    }

    // Masked: the new one does not begin before this one has released all.
    status close_inner(fiber_base& f) noexcept {
        if (!std::exchange(masked_, true)) {
            shield_before_ = f.mask();
        }
        status s = status::defect;
        try {
            s = inner_->poll_close(f);
            thrown_ = s == status::defect ? inner_->defect() : nullptr;
        } catch (...) {
            thrown_ = std::current_exception();
        }
        if (has_ended(s)) {
            f.set_shield(shield_before_);
            masked_ = false;
            at_ = s == status::value ? at_ : place::over;
        }
        return s;
    }

    newest_desk<T>* desk_;
    F* f_;
    std::optional<inner> inner_;
    std::exception_ptr thrown_;
    std::uint32_t shield_before_ = 0;
    place at_ = place::between;
    bool masked_ = false;
};

template <class Up, class F>
class switch_state {
    using element = typename Up::value_type;

public:
    using inner_inlet = inlet<switching_source<element, F>>;

    class feeder final : public inlet_base, public stream_pump<Up, feeder> {
        using base = stream_pump<Up, feeder>;

    public:
        feeder(switch_state& in, fiber_base& puller, Up&& up)
            : inlet_base{in.scope, in.news}, base{puller, in.scope.members(), std::move(up)}, in_{in} {}

    private:
        friend base;

        std::optional<element>& place() noexcept { return in_.desk_.place(); }
        status offer(fiber_base&) noexcept {
            in_.desk_.put([this] { return in_.inner.claim_waiting(); });
            return status::value;
        }
        void pulled(status how, std::exception_ptr defect) noexcept {
            end_pulls(how, std::move(defect), *this, scope().members().is_stopped());
            in_.desk_.close();
        }
        void closed(std::exception_ptr thrown) noexcept { end_closing(std::move(thrown), *this, this->upstream()); }

        switch_state& in_;
    };

    switch_state(fiber_base& f, Up& up, F& function)
        : f_(std::move(function)), desk_{scope}, outer{*this, f, std::move(up)},
          inner{scope, news, f, switching_source<element, F>{desk_, f_}} {}

    void start() noexcept {
        outer.start();
        inner.start();
    }

    // Calls `g` with the one that is `which`.
    template <class G>
    auto visit(inlet_base* which, G g) {
        return which == &inner ? g(inner) : g(outer);
    }

    stage_scope scope{"a switch_map"};
    inlet_news news;

private:
    F f_;
    newest_desk<element> desk_;

public:
    feeder outer;
    inner_inlet inner;
};

template <class Up, class F>
class switch_map_stage
    : public started_stage<
          switch_state<Up, F>,
          errors<typename Up::error_type, typename switching_source<typename Up::value_type, F>::error_type>> {
public:
    using value_type = typename switching_source<typename Up::value_type, F>::value_type;

    switch_map_stage(Up&& up, F&& f) : up_{std::move(up)}, f_(std::move(f)) {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        auto& state = this->started_with(f, up_, f_);
        for (;;) {
            inlet_base* from = nullptr;
            status const s = state.news.wait(state.scope, f, from);
            if (s != status::value) {
                return s;
            }
            if (from->has_element()) {
                state.inner.take(out);
                return status::value;
            }
            // Which it does when upstream has.
            if (from == &state.inner && from->has_ended()) {
                return status::end;
            }
        }
    }

private:
    Up up_; // until the first pull, and so the function
    F f_;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements of the stream, or range, that `f(element)` returns, until there is a newer element: then it is
// interrupted, and closed before `f` is called for the newest. What it gave and nobody has pulled
// yet is dropped. Upstream never waits; an element that finds a newer one behind it is passed over.
// Ends when upstream and the last inner stream have. A failure of either is the stream's at once.
// When the consumer stops or is interrupted, both are interrupted and closed before its result is
// seen. `f` runs in a fiber of the stage, and the element lives as long as the stream made of it.
template <class F>
auto switch_map(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::switch_map_stage>(std::forward<F>(f));
}

} // namespace coir::inline v0::streams
