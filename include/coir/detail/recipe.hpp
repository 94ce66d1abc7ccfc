// How to get a value, type-erased: what a deferred_recipe is completed with.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/work.hpp>
#include <coir/task.hpp>

#include <memory>

namespace coir::inline v0::detail {

struct from_factory_t {};
struct from_value_t {};
inline constexpr from_factory_t from_factory{};
inline constexpr from_value_t from_value{};

// The awaitable Result::type ends in a way that an outcome<T, E> can hold.
template <class Result, class T, class E>
inline constexpr bool gives = false;
template <class Result, class T, class E>
    requires awaitable<typename Result::type>
inline constexpr bool gives<Result, T, E> = fits_outcome<operation_of<typename Result::type>, T, E>;

template <class T, class E>
class recipe {
public:
    template <class Factory>
    explicit recipe(from_factory_t, Factory&& f)
        : made_{std::make_unique<factory<std::decay_t<Factory>>>(std::forward<Factory>(f))} {}

    template <class... Args>
    explicit recipe(from_value_t, Args&&... args) : made_{std::make_unique<value>(std::forward<Args>(args)...)} {}

    template <class F>
    static constexpr bool is_factory = std::invocable<F&> && gives<std::invoke_result<F&>, T, E>;

    // A run of it, for one awaiter.
    COIR_TASK_WRAPPER task<T, E> run() const { return made_->run(); }

    static outcome<recipe, E> outcome_for(outcome<T, E>&& end) {
        auto result = converted(std::move(end));
        for (std::exception_ptr const& thrown : end.suppressed()) {
            result.add_suppressed(thrown);
        }
        return result;
    }

    // Runs `work`, once, for a recipe of what it gives.
    template <class Work>
    static task<recipe, E> from_work(Work work) {
        if constexpr (std::is_void_v<T>) {
            co_await stored_work<Work>{std::move(work)}.start();
            co_return recipe{from_value};
        } else {
            co_return recipe{from_value, co_await stored_work<Work>{std::move(work)}.start()};
        }
    }

private:
    // All but what was suppressed, which stays in `end`.
    static outcome<recipe, E> converted(outcome<T, E>&& end) {
        using made = outcome<recipe, E>;
        if (end.is_success()) {
            if constexpr (std::is_void_v<T>) {
                return made::success(from_value);
            } else {
                return made::success(from_value, std::move(end).value());
            }
        }
        if constexpr (!std::same_as<E, never>) {
            if (end.is_failure()) {
                return made::failure(std::move(end).error());
            }
        }
        return end.is_defect() ? made::died(end.defect()) : made::interrupted(end.interrupted_by());
    }

    struct base {
        virtual ~base() = default;
        virtual task<T, E> run() const = 0;
    };

    template <class Factory>
    struct factory final : base {
        template <class F>
        explicit factory(F&& f) : make(std::forward<F>(f)) {}
        task<T, E> run() const override { co_return co_await detail::invoke(make); }
        Factory make;
    };

    struct value final : base {
        static_assert(std::is_void_v<T> || std::copy_constructible<T>,
                      "coir: each await of a deferred_recipe copies the value; complete it with a factory");
        template <class... Args>
        explicit value(Args&&... args) : kept(std::in_place, std::forward<Args>(args)...) {}
        task<T, E> run() const override { co_return kept.get(); }
        slot<T> kept;
    };

    std::unique_ptr<base const> made_;
};

struct run_recipe {
    template <class T, class E>
    COIR_TASK_WRAPPER task<T, E> operator()(recipe<T, E> const& r) const {
        return r.run();
    }
};

} // namespace coir::inline v0::detail
