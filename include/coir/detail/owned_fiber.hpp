// A member of a group of owned fibers, and how it is made from work.
#pragma once

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/owned_fibers.hpp>
#include <coir/fiber.hpp>
#include <coir/scope.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <vector>

namespace coir::inline v0::detail {

// Member: an owned_member, with what the kind of group keeps in it.
template <class T, class E, class Member, class Work, class... Args>
class owned_fiber final : public fiber_run<T, E, Work, Args...>, public Member {
    using run = fiber_run<T, E, Work, Args...>;

public:
    template <class Init, class W, class... As>
    owned_fiber(std::shared_ptr<owned_fibers> in, Init&& member, W&& w, As&&... args)
        : run{in->where(), in->home(), std::forward<W>(w), std::forward<As>(args)...},
          Member(*this, std::forward<Init>(member)), in_{std::move(in)} {}

private:
    void ended(outcome<T, E> const& end) noexcept override {
        failed_ = end.is_failure() || end.is_defect();
        in_->ending(*this);
    }

    // The group may hold this fiber's outcome, so the fiber lets go of the group.
    void publish() noexcept override {
        run::publish();
        std::exchange(in_, nullptr)->ended(*this, failed_);
    }
    void destroy() noexcept override { delete this; }

    std::shared_ptr<owned_fibers> in_;
    bool failed_ = false;
};

// A member of which the group keeps nothing more.
class plain_member : public owned_member {
public:
    plain_member(fiber_base& f, unit) noexcept : owned_member{f} {}

protected:
    ~plain_member() = default;
};

// Work that gives something else than the fibers of the group.
template <class T, class E, class Work, class... Args>
task<T, E> run_as(Work work, Args... args) {
    stored_work<Work, Args...> stored{std::move(work), std::move(args)...};
    if constexpr (std::is_void_v<T>) {
        static_cast<void>(co_await stored.start());
    } else {
        co_return co_await stored.start();
    }
}

template <class T, class E, class Work, class... Args>
inline constexpr bool runs_as_is = std::same_as<std::remove_cvref_t<work_awaitable<Work, Args...>>, task<T, E>>;

// Makes a member of `in`, which has not joined it yet. The caller makes its handle next.
template <class T, class E, class Member, class Init, class Work, class... Args>
auto& make_owned(std::shared_ptr<owned_fibers> in, Init&& member, std::string_view name, Work&& work, Args&&... args) {
    using theirs = typename forked<Work, Args...>::type;
    using value = typename theirs::value_type;
    static_assert(error_for<E, typename theirs::error_type>,
                  "coir: the error type of this group of fibers lacks an error of the work");
    static_assert(std::is_void_v<T> || std::same_as<value, T> || std::convertible_to<value, T>,
                  "coir: the work gives no value for this group of fibers");
    auto kept = name.empty() ? nullptr : std::make_unique<std::string>(name);
    auto const made = [&](auto* state) -> auto& {
        state->set_name(std::move(kept));
        return *state;
    };
    if constexpr (runs_as_is<T, E, stored<Work>, stored<Args>...>) {
        using run = owned_fiber<T, E, Member, stored<Work>, stored<Args>...>;
        return made(new run(std::move(in), std::forward<Init>(member), unwrap(std::forward<Work>(work)),
                            unwrap(std::forward<Args>(args))...));
    } else {
        using run = owned_fiber<T, E, Member, task<T, E>>;
        return made(new run(std::move(in), std::forward<Init>(member),
                            run_as<T, E, stored<Work>, stored<Args>...>(unwrap(std::forward<Work>(work)),
                                                                        unwrap(std::forward<Args>(args))...)));
    }
}

// Whether a member joined, and what is to be done about it when the lock is free.
enum class admission { refused, waits, starts };

inline void carry_out(fiber_base& f, admission what, fiber_base::start how = fiber_base::start::queued) noexcept {
    switch (what) {
    case admission::refused: f.end_unstarted(); break;
    case admission::waits: break; // another one posts it
    case admission::starts: f.begin_running(how); break;
    }
}

// The handle of a member that is retained already; empty for null.
template <class T, class E>
fiber<T, E> handle_of(fiber_base* retained) noexcept {
    return fiber<T, E>{static_cast<fiber_state<T, E>*>(retained)};
}
template <class T, class E>
fiber<T, E> handle_to(owned_member& m) noexcept {
    m.get_fiber().retain();
    return handle_of<T, E>(&m.get_fiber());
}

// Told when the scope of a group closes.
struct close_owned {
    owned_fibers* which;
    void operator()() const noexcept { which->close(); }
};

} // namespace coir::inline v0::detail
