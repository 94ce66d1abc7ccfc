// What was pulled for two readers, each of which gets the elements of its side.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/ring.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

// All but seal() and open() are called under the lock of the run.
template <class T, class F>
class partition_log {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "coir: elements that are partitioned are moved under a lock, so that must not throw");

public:
    struct item {
        T element;
        bool matches;
    };
    struct reader {
        bool matches;
    };
    using value_type = T;
    using taken = std::optional<T>;
    using bin = ring<T>;
    using memory = ring<T>;

    partition_log(std::size_t most, F&& matches) : most_{most}, matches_(std::move(matches)) {}

    item seal(T&& element) {
        bool const matches = detail::invoke(matches_, std::as_const(element));
        return {std::move(element), matches};
    }
    static T open(taken&& t) { return std::move(*t); }

    void join(reader& r) noexcept { side_of(r).is_read = true; }
    void leave(reader& r, bin& old) noexcept {
        side_of(r).is_read = false;
        side_of(r).elements.swap(old);
    }

    // The next element may be of either side.
    bool waits_for_room() const noexcept { return sides_[0].is_full(most_) || sides_[1].is_full(most_); }
    bool has_memory(item const& i) const noexcept {
        side const& s = sides_[i.matches ? 1 : 0];
        return !s.is_read || s.elements.size() < s.elements.capacity();
    }
    memory more_memory(item const& i) const { return memory{sides_[i.matches ? 1 : 0].elements.grown()}; }
    void take_memory(item const& i, memory& m) noexcept { side_of(i).elements.move_into(m); }

    // What nobody reads is left where it is.
    void append(item& i, bin&) noexcept {
        if (side_of(i).is_read) {
            side_of(i).elements.push_back(std::move(i.element));
        }
    }
    static bool is_for(item const& i, reader const& r) noexcept { return i.matches == r.matches; }
    // `out` is empty.
    void read(reader& r, taken& out, bin&) noexcept {
        ring<T>& elements = side_of(r).elements;
        if (!elements.empty()) {
            out.emplace(elements.pop_front());
        }
    }

private:
    struct side {
        ring<T> elements;
        bool is_read = false;
        bool is_full(std::size_t most) const noexcept { return is_read && elements.size() >= most; }
    };
    template <class X>
    side& side_of(X const& x) noexcept {
        return sides_[x.matches ? 1 : 0];
    }

    std::size_t most_;
    F matches_;
    side sides_[2];
};

} // namespace coir::inline v0::detail
