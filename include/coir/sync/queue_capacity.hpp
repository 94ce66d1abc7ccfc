// How much a queue or a pubsub holds, what happens when it is full, and what a push says of it.
//
//     coir::queue<job> jobs{coir::bounded(100)};        // a push waits; bounded(0) is a rendezvous
//     coir::queue<frame> frames{coir::sliding(1)};      // the oldest goes: only the newest is kept
//     coir::queue<event> log{coir::dropping(1'000)};    // the new one goes
//     if (!jobs.try_push(j)) retry_later(j);
#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <utility>

namespace coir::inline v0 {

class queue_capacity {
public:
    enum class overflow : unsigned char { waits, drops_newest, drops_oldest };

    // Throws std::invalid_argument if it drops the oldest and has room for none.
    constexpr queue_capacity(overflow when_full, std::size_t size) : size_{size}, when_full_{when_full} {
        if (when_full == overflow::drops_oldest && size == 0) {
            throw std::invalid_argument{"coir: a sliding capacity is at least 1"};
        }
    }

    constexpr std::size_t size() const noexcept { return size_; }
    constexpr overflow when_full() const noexcept { return when_full_; }

private:
    std::size_t size_;
    overflow when_full_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <std::integral N>
constexpr std::size_t checked_count(N n) {
    if (std::cmp_less(n, 0)) {
        throw std::invalid_argument{"coir: a capacity cannot be negative"};
    }
    return static_cast<std::size_t>(n);
}

// A number of elements asked for: below zero is none.
template <std::integral N>
constexpr std::size_t clamped_count(N n) noexcept {
    return std::cmp_less(n, 0) ? 0 : static_cast<std::size_t>(n);
}

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// Holds up to `n`; a push into a full one waits. With 0 a push waits for a pop that takes its
// element. Negative: std::invalid_argument, here and below.
template <std::integral N>
constexpr queue_capacity bounded(N n) {
    return {queue_capacity::overflow::waits, detail::checked_count(n)};
}

// A push never waits; memory is the bound.
constexpr queue_capacity unbounded() noexcept {
    return {queue_capacity::overflow::waits, (std::numeric_limits<std::size_t>::max)()};
}

// A push into a full one does nothing and says `dropped`. With 0 only what a pop waits for is accepted.
template <std::integral N>
constexpr queue_capacity dropping(N n) {
    return {queue_capacity::overflow::drops_newest, detail::checked_count(n)};
}

// A push into a full one drops the oldest element. Throws std::invalid_argument for 0.
template <std::integral N>
constexpr queue_capacity sliding(N n) {
    return {queue_capacity::overflow::drops_oldest, detail::checked_count(n)};
}

// What became of an element. In a condition: was it accepted? In a switch: one of the four.
class push_status {
public:
    enum class kind : unsigned char { accepted, dropped, full, closed };

    static push_status const accepted;
    static push_status const dropped; // a dropping queue was full
    static push_status const full;    // only try_push: a push would have to wait
    static push_status const closed;

    constexpr operator kind() const noexcept { return kind_; }
    constexpr explicit operator bool() const noexcept { return kind_ == kind::accepted; }

    friend constexpr bool operator==(push_status a, push_status b) noexcept { return a.kind_ == b.kind_; }

private:
    constexpr explicit push_status(kind k) noexcept : kind_{k} {}

    kind kind_;
};

inline constexpr push_status push_status::accepted{kind::accepted};
inline constexpr push_status push_status::dropped{kind::dropped};
inline constexpr push_status push_status::full{kind::full};
inline constexpr push_status push_status::closed{kind::closed};

} // namespace coir::inline v0
