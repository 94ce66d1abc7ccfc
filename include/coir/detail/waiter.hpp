// What waits at a waiter_list: a fiber, a thread, a cancel region or a callback.
#pragma once

#include <coir/detail/callback_round.hpp>

namespace coir::inline v0::detail {

class waiter_list;

class waiter {
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

    // Aligned for three flag bits on 32-bit machines too.
    struct alignas(8) entry {
        explicit entry(waiter& w) noexcept : owner{&w} {}
        entry* older = nullptr;
        entry* newer = nullptr; // set by a janitor
        waiter* owner;
        bool linked = false; // a janitor has been here, `newer` is valid
    };

    entry wait_{*this};
    entry removal_{*this};
};

} // namespace coir::inline v0::detail
