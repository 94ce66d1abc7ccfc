// The waiter list of a deferred against a mutex and a vector, twice. On one thread the same random
// operations must give the same answers and tell the same waiters the same things in the same
// order. On all cores, where the order is anybody's, what holds for the one must hold for the
// other. Lines too long for this are in tests/waiter_list.cpp.
#include "reference/waiter_kinds.hpp"
#include "stress/contended_lives.hpp"
#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace {

using coir_test::dice;

enum class step_kind : unsigned char { push, remove, claim, publish, finish, abandon, count };

struct step {
    step_kind kind;
    std::size_t who;
    bool again; // who is removed begins to wait once more at once
};

enum class event : unsigned char { fired, abandoned, removed, refused };

// Who was told what since the last look, in order.
class journal {
public:
    static constexpr std::size_t room = 16;

    void add(std::size_t who, event e) {
        lines_[length_ % room] = {who, e};
        ++length_;
    }
    void clear() { length_ = 0; }

    friend bool operator==(journal const& a, journal const& b) {
        for (std::size_t i = 0; i < a.length_ && i < room; ++i) {
            if (a.lines_[i] != b.lines_[i]) return false;
        }
        return a.length_ == b.length_;
    }

private:
    struct line {
        std::size_t who;
        event what;
        friend bool operator==(line const&, line const&) = default;
    };
    std::array<line, room> lines_{};
    std::size_t length_ = 0;
};

// What one step showed: everything that a user of the list could see.
struct sight {
    bool answer = false;
    bool done = false;
    bool claimed = false;
    std::size_t waiting = 0;
    journal told;
    friend bool operator==(sight const&, sight const&) = default;
};

constexpr std::size_t guests = 6;

// A list of one kind and its waiters. The steps keep to what a user of the list may do; which
// steps those are follows from what it showed so far.
template <template <class> class Kind>
class life {
public:
    life() {
        for (std::size_t i = 0; i < guests; ++i) {
            guests_[i].of = this;
            guests_[i].id = i;
        }
    }

    sight const& take(step s) {
        sight_.told.clear();
        again_ = s.again;
        sight_.answer = !ended_ && act(s);
        // An abandoned list is about to be destroyed: nobody may look at it.
        sight_.done = !ended_ && list_.is_done();
        sight_.claimed = !ended_ && list_.is_claimed();
        sight_.waiting = ended_ ? 0 : list_.count();
        return sight_;
    }

    // Ends the list, and says whether all who waited were told.
    sight const& end() {
        sight const& last = take({step_kind::abandon, 0, false});
        sight_.answer = true;
        for (guest const& g : guests_) {
            sight_.answer = sight_.answer && !g.waits;
        }
        return last;
    }

private:
    struct guest {
        life* of = nullptr;
        std::size_t id = 0;
        bool waits = false;
        std::optional<typename Kind<guest>::waiter> waiter;

        void fired(bool abandoned) {
            waits = false;
            of->sight_.told.add(id, abandoned ? event::abandoned : event::fired);
            if (of->again_) of->push(*this);
        }
        void removed() {
            waits = false;
            of->sight_.told.add(id, event::removed);
            if (of->again_) of->push(*this);
        }
    };
    using list = typename Kind<guest>::list;

    bool act(step s) {
        guest& g = guests_[s.who];
        switch (s.kind) {
        case step_kind::push: return !g.waits && push(g);
        case step_kind::remove: return g.waits && list_.remove(*g.waiter) == list::removal::asked;
        case step_kind::claim: return claim();
        case step_kind::publish: return publish();
        case step_kind::finish: return list_.finish();
        case step_kind::abandon: return abandon();
        case step_kind::count: return list_.count() != 0;
        }
        return false;
    }

    // Each wait has a waiter of its own, as in a coroutine frame.
    bool push(guest& g) {
        if (ended_) return false;
        g.waits = true;
        bool const pushed = list_.push(g.waiter.emplace(g));
        if (!pushed) {
            g.waits = false;
            sight_.told.add(g.id, event::refused);
        }
        return pushed;
    }

    bool claim() {
        bool const won = list_.claim();
        won_ = won_ || won;
        return won;
    }

    bool publish() {
        if (!won_ || published_) return false;
        published_ = true;
        list_.publish();
        return true;
    }

    bool abandon() {
        ended_ = true;
        list_.abandon();
        return true;
    }

    std::array<guest, guests> guests_;
    list list_;
    sight sight_;
    bool again_ = false;
    bool won_ = false;
    bool published_ = false;
    bool ended_ = false;
};

step draw(dice& random) {
    constexpr std::array<step_kind, 32> kinds = [] {
        std::array<step_kind, 32> all{};
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = i < 15 ? step_kind::push : i < 26 ? step_kind::remove : step_kind::count;
        }
        all[27] = all[28] = step_kind::claim;
        all[29] = step_kind::publish;
        all[30] = step_kind::finish;
        all[31] = step_kind::abandon;
        return all;
    }();
    return {kinds[random.below(kinds.size())], random.below(guests), random.below(4) == 0};
}

// False: the two differ.
bool same_life(std::uint64_t seed) {
    dice random{seed};
    life<coir_test::lock_free_kind> real;
    life<coir_test::mutex_kind> reference;
    for (std::size_t left = 4 + random.below(28); left > 0; --left) {
        step const s = draw(random);
        if (!(real.take(s) == reference.take(s))) return false;
    }
    sight const& last = real.end();
    return last == reference.end() && last.answer;
}

} // namespace

TEST_CASE("stress: any operations on one thread do what a mutex and a vector do "
          "[D1 D2 D12 D13 D15 D16 D18 D19 D20 D27 D32]") {
    std::uint64_t const lives = 100'000ULL * coir_test::stress_scale();
    std::uint64_t seed = 1;
    while (seed <= lives && same_life(seed)) {
        ++seed;
    }
    CHECK(seed == lives + 1);
}

TEST_CASE("stress: any operations on all cores do what a mutex and a vector allow "
          "[D1 D2 D3 D12 D13 D15 D16 D17 D18 D32 D38]") {
    using namespace coir_test;
    std::uint64_t const lives = 200'000ULL * stress_scale();
    tally const real = contended_lives<lock_free_kind>(lives);
    tally const reference = contended_lives<mutex_kind>(lives / 8);
    REQUIRE(reference.wrong == nullptr);
    if (real.wrong != nullptr) {
        FAIL(real.wrong);
    }
    for (tally const& t : {real, reference}) {
        CHECK(t.fired + t.abandoned + t.removed == t.waits);
        CHECK(t.fired > 0);
        CHECK(t.abandoned > 0);
        CHECK(t.removed > 0);
        CHECK(t.refused > 0);
        CHECK(t.lives > 0);
    }
    // How many begin to wait and how many lists are completed does not depend on the schedule.
    tally const same = contended_lives<lock_free_kind>(lives / 8);
    CHECK(same.wrong == nullptr);
    CHECK(same.waits + same.refused == reference.waits + reference.refused);
    CHECK(same.completed == reference.completed);
    CHECK(same.lives == reference.lives);
}
