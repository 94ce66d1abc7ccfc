// Operations that await something else after an end: and_then, or_else.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/map_operation.hpp>

namespace coir::inline v0::detail {

// What two operations have in common that run one after the other, the second made from the
// end of the first. Derived classes say when there is a second one.
template <class Inner, class F, class Given>
class chain {
    static_assert(awaitable<typename value_result<F, std::add_rvalue_reference_t<Given>>::type>,
                  "coir: and_then and or_else take a function that returns an awaitable");

public:
    template <class G>
    chain(Inner&& first, G&& f) : first_{std::move(first)}, f_(std::forward<G>(f)) {}

    std::exception_ptr defect() { return thrown_ ? thrown_ : second_ ? second_->defect() : first_.defect(); }
    fiber_id interrupted_by() { return second_ ? second_->interrupted_by() : first_.interrupted_by(); }

protected:
    using second_operation = operation_of<typename value_result<F, std::add_rvalue_reference_t<Given>>::type>;

    // `give` returns what the function is called with; it stays alive as long as the second runs.
    template <class Give>
    status begin_second(fiber_base& f, Give give) {
        try {
            fill(given_, give);
            if constexpr (std::is_void_v<Given>) {
                second_.emplace(operation_from(detail::invoke(f_)));
            } else {
                second_.emplace(operation_from(detail::invoke(f_, std::move(*given_).get())));
            }
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
        return second_->poll(f);
    }
    void rethrow_own() const {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
    }

    Inner first_;
    F f_;
    std::optional<slot<Given>> given_;
    std::optional<second_operation> second_;
    std::exception_ptr thrown_; // by the function
};

template <class Inner, class F>
class [[nodiscard]] and_then_operation : public chain<Inner, F, typename Inner::value_type> {
    using base = chain<Inner, F, typename Inner::value_type>;
    using second = typename base::second_operation;

public:
    using value_type = typename second::value_type;
    using error_type = errors<typename Inner::error_type, typename second::error_type>;
    using base::base;

    status poll(fiber_base& f) {
        if (this->second_) {
            return this->second_->poll(f);
        }
        status const s = this->first_.poll(f);
        return s == status::value ? this->begin_second(f, [this]() -> decltype(auto) { return this->first_.get(); })
                                  : s;
    }
    value_type get() {
        this->rethrow_own();
        if (!this->second_) {
            std::rethrow_exception(this->first_.defect());
        }
        return this->second_->get();
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return this->second_ ? error_as<error_type>(*this->second_) : error_as<error_type>(this->first_);
    }
};

template <class Inner, class F>
class [[nodiscard]] or_else_operation : public chain<Inner, F, typename failure_of<Inner>::type> {
    using base = chain<Inner, F, typename Inner::error_type>;
    using second = typename base::second_operation;
    static_assert(std::same_as<kept<typename Inner::value_type>, kept<typename second::value_type>>,
                  "coir: or_else takes a function that gives the same type of value");

public:
    using value_type = kept<typename Inner::value_type>;
    using error_type = typename second::error_type;
    using base::base;

    status poll(fiber_base& f) {
        if (this->second_) {
            return this->second_->poll(f);
        }
        status const s = this->first_.poll(f);
        if (s != status::failure) {
            return s;
        }
        f.forget_suppressed();
        return this->begin_second(f, [this]() -> decltype(auto) { return this->first_.error(); });
    }
    value_type get() {
        this->rethrow_own();
        if (this->second_) {
            return this->second_->get();
        }
        return this->first_.get();
    }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return this->second_->error();
    }
};

} // namespace coir::inline v0::detail
