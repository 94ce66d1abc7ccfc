// Stages that look at a failure: or_else, transform_error, as_results.
//
//     from_cache(key) | streams::or_else([&](cache_miss) { return from_disk(key); })
#pragma once

#include <coir/adapt.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/stream/flattening.hpp>

namespace coir::inline v0::detail {

template <class Up>
struct failure_of_stream {
    static_assert(!std::same_as<typename Up::error_type, never>, "coir: this stream cannot fail");
    using type = typename Up::error_type;
};

// A failed stream is closed before its error is looked at, still within the pull.

// The error lives as long as the other stream.
template <class Up, class F>
class or_else_stage {
    using given = typename failure_of_stream<Up>::type;
    static_assert(makes_stream<F, given>,
                  "coir: or_else takes a function of the error that returns a stream or a range");
    using second = stream_made_by<F, given>;
    static_assert(std::same_as<typename Up::value_type, typename second::value_type>,
                  "coir: or_else takes a function that gives a stream with the same type of elements");

public:
    using value_type = typename Up::value_type;
    using error_type = typename second::error_type;

    or_else_stage(Up&& up, F&& f) : first_{std::move(up)}, f_(std::move(f)) {}
    or_else_stage(or_else_stage&& other)
        : first_{std::move(other.first_)}, f_(std::move(other.f_)) {} // before it begins

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (second_) {
            return second_->poll_next(f, out);
        }
        if (!failed_) {
            status const s = first_.poll_next(f, out);
            if (s != status::failure) {
                return s;
            }
            failed_ = true;
        }
        status const s = begin_second(f);
        return s == status::value ? second_->poll_next(f, out) : s;
    }
    static constexpr bool asks = is_asked<Up> && is_asked<second>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (!second_) {
            if (!failed_) {
                status const s = pull_each(first_.stream(), f, give);
                if (s != status::failure) {
                    return s;
                }
                failed_ = true;
            }
            status const s = begin_second(f);
            if (s != status::value) {
                return s;
            }
        }
        return pull_each(second_->stream(), f, give);
    }

    status poll_close(fiber_base& f) {
        closing_ = true;
        return second_ ? second_->poll_close(f) : first_.poll_close(f);
    }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return second_->stream().error();
    }
    std::exception_ptr defect() {
        if (closing_) {
            return second_ ? second_->thrown() : first_.thrown();
        }
        return second_ ? second_->stream().defect() : first_.stream().defect();
    }
    fiber_id interrupted_by() {
        return second_ ? second_->stream().interrupted_by() : first_.stream().interrupted_by();
    }

private:
    status begin_second(fiber_base& f) {
        status const s = first_.close_failed(f);
        if (s == status::value) {
            f.forget_suppressed();
            given_.emplace(first_.stream().error());
            second_.emplace(detail::stream_from(detail::invoke(f_, std::move(*given_))));
        }
        return s;
    }

    enclosed<Up> first_;
    F f_;
    std::optional<given> given_;
    std::optional<enclosed<second>> second_;
    bool failed_ = false;
    bool closing_ = false;
};

// Base of a stage that ends as the stream above it, but for its failure.
template <class Up>
class failure_stage {
public:
    using value_type = typename Up::value_type;

    explicit failure_stage(Up&& up) : up_{std::move(up)} {}

    status poll_close(fiber_base& f) {
        closing_ = true;
        return up_.poll_close(f);
    }
    std::exception_ptr defect() { return closing_ ? up_.thrown() : up_.stream().defect(); }
    fiber_id interrupted_by() { return up_.stream().interrupted_by(); }

protected:
    // failure: upstream has failed and is closed.
    template <class T>
    status pull(fiber_base& f, std::optional<T>& out) {
        if (!failed_) {
            status const s = up_.poll_next(f, out);
            if (s != status::failure) {
                return s;
            }
            failed_ = true;
        }
        status const s = up_.close_failed(f);
        return s == status::value ? status::failure : s;
    }
    template <class Give>
    COIR_FUSED status each(fiber_base& f, Give give) {
        if (!failed_) {
            status const s = pull_each(up_.stream(), f, give);
            if (s != status::failure) {
                return s;
            }
            failed_ = true;
        }
        status const s = up_.close_failed(f);
        return s == status::value ? status::failure : s;
    }
    decltype(auto) given_error() { return up_.stream().error(); }

private:
    enclosed<Up> up_;
    bool failed_ = false;
    bool closing_ = false;
};

template <class Up, class F>
class transform_error_stage : public failure_stage<Up> {
    using given = typename failure_of_stream<Up>::type;
    static_assert(std::invocable<F&, given>, "coir: transform_error takes a function of the error");

public:
    using error_type = std::remove_cvref_t<std::invoke_result_t<F&, given>>;
    static_assert(std::is_object_v<error_type>, "coir: transform_error takes a function that returns an error");

    transform_error_stage(Up&& up, F&& f) : failure_stage<Up>{std::move(up)}, f_(std::move(f)) {}

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) {
        status const s = this->pull(f, out);
        if (s == status::failure) { // here, where a throw is a defect
            error_.emplace(detail::invoke(f_, given(this->given_error())));
        }
        return s;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        status const s = this->each(f, give);
        if (s == status::failure) {
            error_.emplace(detail::invoke(f_, given(this->given_error())));
        }
        return s;
    }
    error_type&& error() noexcept { return std::move(*error_); }

private:
    F f_;
    std::optional<error_type> error_;
};

template <class Up>
class as_results_stage : public failure_stage<Up> {
public:
    using value_type = result<typename Up::value_type, typename Up::error_type>;
    using error_type = never;
    using failure_stage<Up>::failure_stage;

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (given_) {
            return status::end;
        }
        std::optional<typename Up::value_type> in;
        status const s = this->pull(f, in);
        if (s == status::value) {
            out.emplace(in_place_success, std::move(*in));
        }
        if constexpr (!std::same_as<typename Up::error_type, never>) {
            if (s == status::failure) {
                f.forget_suppressed();
                given_ = true;
                out.emplace(value_type::failure(this->given_error()));
                return status::value;
            }
        }
        return s;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (given_) {
            return status::end;
        }
        auto const pass = [&](typename Up::value_type&& x)
                              COIR_FUSED_LAMBDA { return give(value_type{in_place_success, std::move(x)}); };
        status const s = this->each(f, giving(give, pass));
        if constexpr (!std::same_as<typename Up::error_type, never>) {
            if (s == status::failure) {
                f.forget_suppressed();
                given_ = true;
                give(value_type::failure(this->given_error()));
                return status::value;
            }
        }
        return s;
    }

private:
    bool given_ = false;
};

// `task | or_else(f)` where both namespaces are in use and the name means the stream's.
template <awaitable A, class F>
auto operator|(A&& aw, stage_closure<or_else_stage, F>&& self) {
    return std::move(self).pass_to([&](F&& f) { return coir::or_else(std::forward<A>(aw), std::move(f)); });
}
template <awaitable A, class F>
auto operator|(A&& aw, stage_closure<transform_error_stage, F>&& self) {
    return std::move(self).pass_to([&](F&& f) { return coir::transform_error(std::forward<A>(aw), std::move(f)); });
}

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// After a failure, the elements of the stream or range that `f(error)` returns, behind those that
// came before. The failed stream is closed first; the error lives as long as the new one, whose
// failure is that of the whole.
template <class F>
auto or_else(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::or_else_stage>(std::forward<F>(f));
}

// A failure becomes `f(error)`.
template <class F>
auto transform_error(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::transform_error_stage>(std::forward<F>(f));
}

// Each element as a result<T, E>. A failure becomes the last one, given after the failed stream is
// closed; the stream itself cannot fail.
inline auto as_results() { return detail::make_stage<detail::as_results_stage>(); }

} // namespace coir::inline v0::streams
