// `aw | f(args...)` for adaptors that are also called as `f(aw, args...)`.
#pragma once

#include <coir/detail/operation.hpp>
#include <coir/detail/pack.hpp>

#include <utility>

namespace coir::inline v0::detail {

template <class F, class... Args>
class piped {
public:
    template <class... As>
    explicit piped(F f, As&&... args) : f_(std::move(f)), args_(std::in_place, std::forward<As>(args)...) {}

    template <awaited A>
    friend auto operator|(A&& a, piped&& self) {
        return self.args_.apply([&](Args&... args) { return self.f_(std::forward<A>(a), std::move(args)...); });
    }

private:
    F f_;
    pack<Args...> args_;
};

template <class F, class... Args>
auto make_piped(F f, Args&&... args) {
    return piped<F, std::decay_t<Args>...>{std::move(f), std::forward<Args>(args)...};
}

} // namespace coir::inline v0::detail
