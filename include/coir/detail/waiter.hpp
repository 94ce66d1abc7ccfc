// What waits at a waiter_list: a fiber, a thread, a cancel region or a callback.
#pragma once

#include <coir/detail/callback_round.hpp>

#include <cstdint>

namespace coir::inline v0::detail {

class waiter_list;
class waiter;

// An entry in the stack of a waiter_list: two pointers. Which of its waiter's entries it is, and
// whether a janitor has linked it, stands in the low bits of the second.
class alignas(8) waiter_entry { // aligned for three flag bits on 32-bit machines too
public:
    waiter_entry* older = nullptr;

    bool is_removal() const noexcept { return (newer_ & removal) != 0; }
    // A janitor has been here: newer() is valid.
    bool is_linked() const noexcept { return (newer_ & linked) != 0; }
    waiter_entry* newer() const noexcept { return reinterpret_cast<waiter_entry*>(newer_ & ~(removal | linked)); }

protected:
    enum class kind : bool { wait, removal };

    explicit waiter_entry(kind k) noexcept : newer_{k == kind::removal ? removal : 0} {}
    waiter_entry(waiter_entry const&) = delete;
    waiter_entry& operator=(waiter_entry const&) = delete;
    ~waiter_entry() = default;

private:
    friend class waiter_list;

    static constexpr std::uintptr_t removal = 1;
    static constexpr std::uintptr_t linked = 2;

    // Of a wait: a removal is not linked, but taken out by the first janitor that sees it.
    void link(waiter_entry* newer) noexcept { newer_ = reinterpret_cast<std::uintptr_t>(newer) | linked; }
    void unlink() noexcept { newer_ = 0; }

    std::uintptr_t newer_;
};

class wait_entry : public waiter_entry {
protected:
    wait_entry() noexcept : waiter_entry{kind::wait} {}
    ~wait_entry() = default;
};

class removal_entry : public waiter_entry {
protected:
    removal_entry() noexcept : waiter_entry{kind::removal} {}
    ~removal_entry() = default;
};

class waiter : private wait_entry, private removal_entry {
public:
    // The flag was set, or the list is being destroyed without that (how.is_abandoned(); nothing
    // of the list may be read any more). The waiter may be gone afterwards. Code of users does
    // not run in here: it is added to the callbacks.
    virtual void fired(firing how) noexcept = 0;

    // It was taken out as asked by waiter_list::remove. It may be gone afterwards.
    virtual void removed() noexcept = 0;

    waiter() = default;
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;

protected:
    ~waiter() = default;

private:
    friend class waiter_list;

    waiter_entry& wait() noexcept { return static_cast<wait_entry&>(*this); }
    waiter_entry& removal() noexcept { return static_cast<removal_entry&>(*this); }
    static waiter& of_wait(waiter_entry& e) noexcept { return static_cast<waiter&>(static_cast<wait_entry&>(e)); }
    static waiter& of_removal(waiter_entry& e) noexcept { return static_cast<waiter&>(static_cast<removal_entry&>(e)); }
};

} // namespace coir::inline v0::detail
