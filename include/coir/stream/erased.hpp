// Any pipeline behind one type: what stream<T, E> holds if it is no generator.
#pragma once

#include <coir/stream/each.hpp>

#include <memory>
#include <utility>

namespace coir::inline v0::detail {

// A function of somebody else's that elements are given to.
template <class T>
class give_reference {
public:
    template <class Give>
    explicit give_reference(Give& give) noexcept
        : give_{std::addressof(give)}, call_{[](void* g, T&& x) { return (*static_cast<Give*>(g))(std::move(x)); }} {}

    bool operator()(T&& x) const { return call_(give_, std::move(x)); }

private:
    void* give_;
    bool (*call_)(void*, T&&);
};

template <class T, class E>
class erased_stream {
public:
    virtual ~erased_stream() = default;
    virtual status poll_next(fiber_base& f, std::optional<T>& out) = 0;
    virtual status poll_each(fiber_base& f, give_reference<T> give) = 0;
    virtual status poll_close(fiber_base& f) = 0;
    virtual E error() = 0;
    virtual std::exception_ptr defect() = 0;
    virtual fiber_id interrupted_by() = 0;
};

template <class S, class T, class E>
class erased final : public erased_stream<T, E> {
public:
    explicit erased(S&& s) : s_{std::move(s)} {}

    status poll_next(fiber_base& f, std::optional<T>& out) override {
        if constexpr (std::same_as<typename S::value_type, T>) {
            return s_.poll_next(f, out);
        } else {
            std::optional<typename S::value_type> in;
            status const s = s_.poll_next(f, in);
            if (s == status::value) {
                out.emplace(std::move(*in));
            }
            return s;
        }
    }
    status poll_each(fiber_base& f, give_reference<T> give) override {
        return pull_each(s_, f, [give](typename S::value_type&& x) COIR_FUSED_LAMBDA {
            if constexpr (std::same_as<typename S::value_type, T>) {
                return give(std::move(x));
            } else {
                return give(T(std::move(x)));
            }
        });
    }
    status poll_close(fiber_base& f) override { return s_.poll_close(f); }
    E error() override { return error_as<E>(s_); }
    std::exception_ptr defect() override { return s_.defect(); }
    fiber_id interrupted_by() override { return s_.interrupted_by(); }

private:
    S s_;
};

} // namespace coir::inline v0::detail
