// Short lives of waiter lists on all cores. A batch of lists lies between barriers; threads go
// through it side by side, each with random operations of its own on every list, so that they
// meet inside one. A life has two parts: in the first anybody pushes, removes, claims and
// publishes; in the second, what is left is removed while the list is abandoned, or all of it is
// removed and the list dies with the last.
//
// A waiter is destroyed as soon as it was told, by whoever comes second where waker and canceller
// have to meet: a sanitizer sees who touches it, or a dead list, later. What it was told outlives it.
#pragma once

#include "stress/side_by_side.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace coir_test {

struct tally {
    std::uint64_t lives = 0;
    std::uint64_t completed = 0;
    std::uint64_t waits = 0; // and each must have ended in one of the next three ways
    std::uint64_t fired = 0;
    std::uint64_t abandoned = 0;
    std::uint64_t removed = 0;
    std::uint64_t refused = 0;
    std::uint64_t met = 0; // waker and canceller both had the waiter
    char const* wrong = nullptr;

    void expect(bool right, char const* otherwise) noexcept {
        if (!right && wrong == nullptr) {
            wrong = otherwise;
        }
    }
    void add(tally const& other) noexcept {
        wrong = wrong != nullptr ? wrong : other.wrong;
        lives += other.lives;
        completed += other.completed;
        waits += other.waits;
        fired += other.fired;
        abandoned += other.abandoned;
        removed += other.removed;
        refused += other.refused;
        met += other.met;
    }
};

/// One list, and for each thread the waiters that it may push, in this order.
template <template <class> class Kind>
class contended_life {
public:
    static constexpr std::size_t guests_each = 3;

    void begin(std::size_t threads, std::uint64_t seed) {
        list_ = std::make_unique<list>();
        dies_ = false;
        guests_ = std::vector<guest>(threads * guests_each);
        for (guest& g : guests_) {
            g.of = this;
        }
        expected_ = seed;
        signal_ = seed % 4 == 1;
        result_ = signal_ ? seed : 0;
        wins_ = 0;
        claims_ = 0;
        told_ = 0;
        misread_ = false;
    }

    void act(std::size_t thread, dice& random) {
        std::size_t next = thread * guests_each;
        std::size_t const last = next + guests_each;
        bool won = false;
        for (std::size_t left = 2 + random.below(6); left > 0; --left) {
            std::size_t const what = random.below(16);
            guest& anybody = guests_[random.below(guests_.size())];
            if (what < 7) {
                if (next != last) push(guests_[next++]);
            } else if (what < 14) {
                remove(anybody);
            } else if (what == 14) {
                won = claim() || won;
            } else {
                look();
            }
        }
        if (won) publish();
    }

    // Nobody is inside.
    void look_between(tally& t) {
        std::size_t waiting = 0;
        for (guest const& g : guests_) {
            waiting += g.state.load() == guest::waiting ? 1 : 0;
        }
        t.expect(list_->count() == waiting, "the list does not hold those who wait");
        t.expect(list_->is_done() == (wins_ != 0), "done, and not published, or the other way round");
        t.expect(list_->is_claimed() == (claims_ != 0), "claimed by nobody, or the other way round");
        t.expect(wins_ == (claims_ != 0 ? 1U : 0U), "not one of those who claimed has won");
        keepers_ = waiting;
        dies_ = waiting != 0 && wins_ == 0 && expected_ % 2 == 0;
    }

    void end(bool abandons, dice& random) {
        if (dies_) {
            remove_all(random);
        } else {
            abandon(abandons, random);
        }
    }

    void check(tally& t) const {
        bool const completed = wins_ != 0;
        for (guest const& g : guests_) {
            check(g, completed, t);
        }
        for (std::size_t i = 0; i < guests_.size(); i += guests_each) {
            check_order(i, t);
        }
        t.expect(!misread_.load(), "done, and the result was not there for who looked");
        t.expect(dies_ == (list_ == nullptr), "the list did not die with its last waiter");
        t.completed += completed ? 1 : 0;
        ++t.lives;
    }

private:
    void remove_all(dice& random) {
        std::size_t const first = random.below(guests_.size());
        for (std::size_t i = 0; i < guests_.size(); ++i) {
            remove(guests_[(first + i) % guests_.size()]);
        }
    }

    void abandon(bool mine, dice& random) {
        for (std::size_t left = random.below(4); left > 0; --left) {
            remove(guests_[random.below(guests_.size())]);
        }
        if (mine) list_->abandon();
        for (std::size_t left = random.below(3); left > 0; --left) {
            remove(guests_[random.below(guests_.size())]);
        }
    }

    // What happened to one waiter. `state` is what the claim word of a fiber is: interrupters
    // freeze only those who wait and were not told, and then the second of the two lets it go.
    struct guest {
        static constexpr unsigned waiting = 1;
        static constexpr unsigned frozen = 2;
        static constexpr unsigned told = 4;
        static constexpr unsigned left = 8;

        std::atomic<unsigned> state{0};
        std::atomic<unsigned> times_fired{0};
        std::atomic<unsigned> times_removed{0};
        contended_life* of = nullptr;
        std::unique_ptr<typename Kind<guest>::waiter> waiter;
        // Each written by one thread, unless the list is wrong; read after a barrier.
        std::size_t position = 0;
        bool pushed = false;
        bool refused = false;
        bool abandoned = false;
        bool read_right = true;
        bool asked = false;

        void fired(bool is_abandoned) {
            times_fired.fetch_add(1, std::memory_order_relaxed);
            position = of->told_.fetch_add(1, std::memory_order_relaxed);
            abandoned = is_abandoned;
            read_right = is_abandoned || of->result_ == of->expected_;
            unsigned const before = state.fetch_or(told, std::memory_order_acq_rel);
            if ((before & frozen) == 0 || (before & left) != 0) {
                waiter.reset();
            }
        }
        void removed() {
            times_removed.fetch_add(1, std::memory_order_relaxed);
            waiter.reset();
            if (of->dies_ && of->keepers_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                of->list_.reset();
            }
        }
    };
    using list = typename Kind<guest>::list;

    // After it nothing of the waiter may be looked at, for it may be gone: only its guest's own.
    void push(guest& g) {
        g.waiter = std::make_unique<typename Kind<guest>::waiter>(g);
        if (list_->push(*g.waiter)) {
            g.pushed = true;
            g.state.fetch_or(guest::waiting, std::memory_order_acq_rel);
        } else {
            g.refused = true;
            g.read_right = result_ == expected_;
            g.waiter.reset();
        }
    }

    void remove(guest& g) {
        unsigned before = guest::waiting;
        if (!g.state.compare_exchange_strong(before, guest::waiting | guest::frozen, std::memory_order_acq_rel)) {
            return;
        }
        if (list_->remove(*g.waiter) == list::removal::asked) {
            g.asked = true;
        } else if ((g.state.fetch_or(guest::left, std::memory_order_acq_rel) & guest::told) != 0) {
            g.waiter.reset();
        }
    }

    bool claim() {
        claims_.fetch_add(1, std::memory_order_relaxed);
        bool const won = signal_ ? list_->finish() : list_->claim();
        wins_.fetch_add(won ? 1 : 0, std::memory_order_relaxed);
        return won && !signal_;
    }

    void publish() {
        result_ = expected_;
        list_->publish();
    }

    void look() {
        if (list_->is_done() && result_ != expected_) {
            misread_.store(true, std::memory_order_relaxed);
        }
    }

    void check(guest const& g, bool completed, tally& t) const {
        unsigned const fired = g.times_fired.load();
        unsigned const removed = g.times_removed.load();
        unsigned const state = g.state.load();
        t.expect(fired + removed == (g.pushed ? 1U : 0U), "a waiter was not told, or twice");
        t.expect(removed == (g.asked ? 1U : 0U), "removed, and was with the waker, or the other way round");
        t.expect(fired == 0 || g.abandoned == !completed,
                 "abandoned, and the list was completed, or the other way round");
        t.expect(g.read_right, "done, and the result was not there");
        t.expect(!g.refused || completed, "refused, and the list was not done");
        t.expect(g.waiter == nullptr, "a waiter was not let go");
        t.waits += g.pushed ? 1 : 0;
        t.refused += g.refused ? 1 : 0;
        t.removed += removed;
        (g.abandoned ? t.abandoned : t.fired) += fired;
        t.met += (state & guest::left) != 0 ? 1 : 0;
    }

    // Those of one thread were pushed in this order, and so are woken in it.
    void check_order(std::size_t first, tally& t) const {
        guest const* before = nullptr;
        for (std::size_t i = first; i < first + guests_each; ++i) {
            if (guests_[i].times_fired.load() != 0) {
                t.expect(before == nullptr || before->position < guests_[i].position, "woken out of order");
                before = &guests_[i];
            }
        }
    }

    std::unique_ptr<list> list_;
    bool dies_ = false; // with its last waiter, from the second part on
    std::atomic<std::size_t> keepers_{0};
    std::vector<guest> guests_;
    bool signal_ = false; // has its result from the beginning, and is completed in one step
    std::uint64_t expected_ = 0;
    std::uint64_t result_ = 0; // written between claim and publish, as an outcome is
    std::atomic<unsigned> wins_{0};
    std::atomic<unsigned> claims_{0};
    std::atomic<std::size_t> told_{0};
    std::atomic<bool> misread_{false};
};

/// Every core lives through `lives` lists of this kind with the others.
template <template <class> class Kind>
tally contended_lives(std::uint64_t lives) {
    constexpr std::size_t batch = 1024; // a barrier is dear on a busy machine
    std::size_t const threads = std::clamp(std::thread::hardware_concurrency(), 2U, 16U);
    std::uint64_t const batches = (lives + batch - 1) / batch;
    std::vector<contended_life<Kind>> all(batch);
    std::vector<tally> tallies(threads);
    spin_barrier barrier{threads};
    pace paced{threads};

    auto const work = [&](std::size_t me) {
        tally& t = tallies[me];
        std::size_t item = 0;
        for (std::uint64_t b = 0; b < batches; ++b) {
            dice random{b * threads + me};
            for (std::size_t i = me; i < batch; i += threads) {
                all[i].begin(threads, b * batch + i + 1);
            }
            barrier.arrive_and_wait();
            for (auto& life : all) {
                paced.begin(me, ++item, random);
                life.act(me, random);
            }
            barrier.arrive_and_wait();
            for (std::size_t i = me; i < batch; i += threads) {
                all[i].look_between(t);
            }
            barrier.arrive_and_wait();
            for (std::size_t i = 0; i < batch; ++i) {
                paced.begin(me, ++item, random);
                all[i].end(i % threads == me, random);
            }
            barrier.arrive_and_wait();
            for (std::size_t i = me; i < batch; i += threads) {
                all[i].check(t);
            }
        }
    };
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i) {
        others.emplace_back(work, i);
    }
    work(0);
    for (std::thread& t : others) {
        t.join();
    }
    tally sum;
    for (tally const& t : tallies) {
        sum.add(t);
    }
    return sum;
}

} // namespace coir_test
