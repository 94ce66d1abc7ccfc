// Stages that look at one element at a time: transform, filter, tap, take.
//
//     source | streams::filter(is_even) | streams::transform(square) | streams::take(10)
//
// They are fused: a pipeline of them is one state machine, without an allocation or a coroutine
// frame per stage. transform and tap also take functions that return a task, which is awaited.
#pragma once

#include <coir/adapt.hpp>
#include <coir/stream/applying.hpp>
#include <coir/stream/concept.hpp>

#include <cstddef>

namespace coir::inline v0::detail {

template <class Up, class F>
class transform_stage : public stage<Up> {
    static_assert(element_function<F, typename Up::value_type>, "coir: transform takes a function of one element");
    using apply = applying<F, typename Up::value_type>;

public:
    using value_type = std::remove_cvref_t<typename apply::value_type>;
    using error_type = errors<typename Up::error_type, typename apply::error_type>;

    transform_stage(Up&& up, F&& f) : stage<Up>{std::move(up)}, apply_{std::in_place, std::move(f)} {}
    transform_stage(transform_stage&& other) : stage<Up>{std::move(other.up_)}, apply_{std::move(other.apply_)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if constexpr (apply::suspends) {
            return poll_suspending(f, out);
        } else {
            std::optional<typename Up::value_type> in;
            status const s = this->up_.poll_next(f, in);
            if (s == status::value) {
                out.emplace(std::invoke(apply_.function(), std::move(*in)));
            }
            return s;
        }
    }

    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        if constexpr (!std::same_as<typename apply::error_type, never>) {
            if (apply_failed_) {
                return convert_error<error_type>(apply_.error());
            }
        }
        if constexpr (!std::same_as<typename Up::error_type, never>) {
            return convert_error<error_type>(this->up_.error());
        } else {
            std::terminate(); // only the function can have failed
        }
    }
    status poll_close(fiber_base& f) {
        closing_ = true;
        return this->up_.poll_close(f);
    }
    std::exception_ptr defect() {
        return closing_ ? this->up_.defect() : with_failed([](auto& x) { return x.defect(); });
    }
    fiber_id interrupted_by() {
        return with_failed([](auto& x) { return x.interrupted_by(); });
    }

private:
    status poll_suspending(fiber_base& f, std::optional<value_type>& out) {
        if (!apply_.is_running()) {
            in_.reset();
            status const s = this->up_.poll_next(f, in_);
            if (s != status::value) {
                return s;
            }
            apply_.start(std::move(*in_));
        }
        status const s = apply_.poll(f);
        if (s == status::value) {
            out.emplace(apply_.get());
            apply_.finish();
        }
        apply_failed_ = has_ended(s) && s != status::value;
        return s;
    }

    template <class G>
    auto with_failed(G g) {
        if constexpr (apply::suspends) {
            if (apply_failed_) {
                return g(apply_);
            }
        }
        return g(this->up_);
    }

    struct nothing {};
    apply apply_;
    COIR_NO_UNIQUE_ADDRESS std::conditional_t<apply::suspends, std::optional<typename Up::value_type>, nothing> in_;
    bool apply_failed_ = false;
    bool closing_ = false;
};

template <class Up, class F>
class filter_stage : public stage<Up> {
    static_assert(std::predicate<F&, typename Up::value_type const&>,
                  "coir: filter takes a function of one element that returns bool");
    static_assert(std::same_as<std::remove_cvref_t<std::invoke_result_t<F&, typename Up::value_type const&>>, bool>,
                  "coir: filter takes a function of one element that returns bool");

public:
    filter_stage(Up&& up, F&& f) : stage<Up>{std::move(up)}, keep_(std::move(f)) {}

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) {
        for (;;) {
            status const s = this->up_.poll_next(f, out);
            if (s != status::value || std::invoke(keep_, std::as_const(*out))) {
                return s;
            }
            if (++dropped_ == budget) {
                dropped_ = 0;
                return rest(f);
            }
        }
    }

private:
    F keep_;
    unsigned dropped_ = 0;
};

template <class Up, class N>
class take_stage : public stage<Up> {
public:
    take_stage(Up&& up, N n) : stage<Up>{std::move(up)}, left_{n} {}

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) {
        if (left_ == 0) {
            return status::end;
        }
        status const s = this->up_.poll_next(f, out);
        left_ -= s == status::value ? 1 : 0;
        return s;
    }

private:
    std::size_t left_;
};

// Calls a function for its effect; the element goes on.
template <class F, class T>
class tapping {
public:
    explicit tapping(F&& f) : f_(std::move(f)) {}

    auto operator()(T element) {
        using result = std::invoke_result_t<F&, T const&>;
        if constexpr (awaitable<result>) {
            return awaited{std::move(element), f_};
        } else {
            std::invoke(f_, std::as_const(element));
            return element;
        }
    }

private:
    class awaited {
        using inner = operation_of<std::invoke_result_t<F&, T const&>>;

    public:
        using value_type = T;
        using error_type = typename inner::error_type;

        awaited(T&& element, F& f) : element_(std::move(element)), f_{&f} {}
        awaited(awaited&& other) : element_(std::move(other.element_)), f_{other.f_} {} // before it begins

        status poll(fiber_base& f) {
            if (!running_) {
                running_.emplace(operation_from(std::invoke(*f_, std::as_const(element_))));
            }
            return running_->poll(f);
        }
        T get() {
            static_cast<void>(running_->get()); // rethrows a defect
            return std::move(element_);
        }
        decltype(auto) error()
            requires(!std::same_as<error_type, never>)
        {
            return running_->error();
        }
        std::exception_ptr defect() { return running_->defect(); }
        fiber_id interrupted_by() { return running_->interrupted_by(); }

    private:
        T element_;
        F* f_;
        std::optional<inner> running_;
    };

    F f_;
};

template <class Up, class F>
class tap_stage : public transform_stage<Up, tapping<F, typename Up::value_type>> {
    static_assert(element_function<F, typename Up::value_type const&>, "coir: tap takes a function of one element");

public:
    tap_stage(Up&& up, F&& f)
        : transform_stage<Up, tapping<F, typename Up::value_type>>{std::move(up),
                                                                   tapping<F, typename Up::value_type>{std::move(f)}} {}
};

// `task | transform(f)` where both namespaces are in use and the name means the stream's.
template <awaitable A, class F>
auto operator|(A&& aw, stage_closure<transform_stage, F>&& self) {
    return coir::transform(std::forward<A>(aw), std::get<0>(std::move(self).take_arguments()));
}

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

template <class F>
auto transform(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::transform_stage>(std::forward<F>(f));
}

template <class F>
auto filter(F&& keep) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::filter_stage>(std::forward<F>(keep));
}

// Calls `f(element const&)` for each element that passes.
template <class F>
auto tap(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::tap_stage>(std::forward<F>(f));
}

// The first `n`; after them upstream is not pulled any more.
inline auto take(std::size_t n) { return detail::make_stage<detail::take_stage>(n); }

} // namespace coir::inline v0::streams
