// A value that counts what is done to it, so that a test can say that nothing is copied, moved
// or destroyed once too often, and that nothing is leaked.
//
//     coir_test::counted::reset();
//     { coir_test::counted c(7); auto d = std::move(c); }
//     CHECK(coir_test::counted::constructed() == 1);
//     CHECK(coir_test::counted::moves() == 1);
//     CHECK(coir_test::counted::alive() == 0);
#pragma once

#include <atomic>
#include <stdexcept>

namespace coir_test {

struct counted {
    struct tally {
        std::atomic<int> constructed{0}, copies{0}, moves{0}, destroyed{0};
    };

    explicit counted(int n = 0) noexcept : value(n) { ++all().constructed; }
    counted(counted const& other) noexcept : value(other.value) { ++all().copies; }
    counted(counted&& other) noexcept : value(other.value) {
        other.value = moved_from;
        ++all().moves;
    }
    counted& operator=(counted const& other) noexcept {
        value = other.value;
        ++all().copies;
        return *this;
    }
    counted& operator=(counted&& other) noexcept {
        value = other.value;
        if (this != &other) other.value = moved_from;
        ++all().moves;
        return *this;
    }
    // Writes, so that a second destruction or a use afterwards shows.
    ~counted() {
        value = gone;
        ++all().destroyed;
        --live();
    }

    friend bool operator==(counted const& a, counted const& b) noexcept { return a.value == b.value; }

    static void reset() noexcept {
        all().constructed = all().copies = all().moves = all().destroyed = 0;
        live() = 0;
    }
    static int constructed() noexcept { return all().constructed; }
    static int copies() noexcept { return all().copies; }
    static int moves() noexcept { return all().moves; }
    static int destroyed() noexcept { return all().destroyed; }
    static int alive() noexcept { return live(); }

    static constexpr int moved_from = -1;
    static constexpr int gone = -2;

    int value;

private:
    // Assignments are tallied as copies and moves too, so the living are counted on their own.
    struct born {
        born() noexcept { ++live(); }
        born(born const&) noexcept { ++live(); }
        born& operator=(born const&) noexcept = default;
    };

    static tally& all() noexcept {
        static tally t;
        return t;
    }
    static std::atomic<int>& live() noexcept {
        static std::atomic<int> n{0};
        return n;
    }

    [[no_unique_address]] born born_;
};

/// Throws from its copy and move constructors while armed.
struct throws_on_copy {
    explicit throws_on_copy(int n = 0) noexcept : value(n) {}
    throws_on_copy(throws_on_copy const& other) : value(other.value) { explode(); }
    throws_on_copy(throws_on_copy&& other) noexcept(false) : value(other.value) { explode(); }
    throws_on_copy& operator=(throws_on_copy const& other) {
        explode();
        value = other.value;
        return *this;
    }

    static bool& armed() noexcept {
        static bool on = false;
        return on;
    }

    int value;

private:
    static void explode() {
        if (armed()) throw std::runtime_error("copy");
    }
};

} // namespace coir_test
