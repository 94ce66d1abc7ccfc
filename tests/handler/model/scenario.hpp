// A random session: people who type, flush and interrupt, answers of all kinds, subscribers of all
// kinds, and an end. Everything about it is a function of the seed.
//
//   scenario const what(seed);
//   observation seen;
//   run_scenario(scheduler, what, seen);     // may throw stuck_error; `seen` tells how far it came
//   REQUIRE(check(seen).empty());
#pragma once

#include "model/checker.hpp"

#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>

#include <cstdint>
#include <iterator>

namespace handler_model {

class dice {
public:
    explicit dice(std::uint64_t seed) : state_(coir::detail::mix64(seed)) {}
    std::uint64_t below(std::uint64_t n) noexcept {
        state_ += coir::detail::splitmix_step;
        return coir::detail::mix64(state_) % n;
    }
    bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }
    // Multiples of ten, so that things happen at the same moment.
    milliseconds time(std::uint64_t most_ms) noexcept { return milliseconds(10 * below(most_ms / 10 + 1)); }

private:
    std::uint64_t state_;
};

struct act {
    enum class kind { submit, flush, interrupt };
    milliseconds delay;
    kind what;
    std::string input;
};

enum class ending_kind { shutdown, close_input, interrupt_run };

class scenario {
public:
    explicit scenario(std::uint64_t seed) {
        dice d(seed);
        choose_options(d);
        submitters.resize(1 + d.below(3));
        for (std::size_t i = 0; i < submitters.size(); ++i) {
            choose_acts(d, submitters[i], static_cast<char>('a' + i));
        }
        for (int i = 0; i < 40; ++i) {
            plans.push_back(choose_plan(d, i));
        }
        ends = static_cast<ending_kind>(d.below(3));
        end_after = milliseconds{10} + d.time(2'500); // an owner that never began has nothing to wind up
        slow_reader = d.one_in(2) ? d.time(60) : milliseconds{0};
        late_reader_after = d.time(1'500);
        has_ignorer = d.one_in(3);
    }

    milliseconds debounce{};
    milliseconds max_wait{};
    std::size_t max_batch = 1'000;
    std::vector<std::vector<act>> submitters;
    std::vector<answer_plan> plans;
    ending_kind ends{};
    milliseconds end_after{};
    milliseconds slow_reader{}; // between two events
    milliseconds late_reader_after{};
    bool has_ignorer = false;

    static constexpr milliseconds stop_timeout{400};
    static constexpr milliseconds patience{150};
    static constexpr std::size_t capacity = 4;
    static constexpr std::size_t reserved = 40;

private:
    void choose_options(dice& d) {
        debounce = d.one_in(6) ? milliseconds{0} : milliseconds{50 + 10 * static_cast<int>(d.below(6))};
        max_wait = debounce + d.time(300);
        max_batch = d.one_in(5) ? 1 + d.below(3) : 1'000;
    }

    static void choose_acts(dice& d, std::vector<act>& acts, char who) {
        bool const types_on = d.one_in(4); // without ever being quiet
        auto const n = types_on ? 12 + d.below(8) : 2 + d.below(7);
        for (std::uint64_t i = 0; i < n; ++i) {
            milliseconds const pause = types_on || d.one_in(2) ? d.time(40) : d.time(900);
            std::string const name = who + std::to_string(i + 1);
            switch (d.below(14)) {
            case 0: acts.push_back({pause, act::kind::flush, {}}); break;
            case 1: acts.push_back({pause, act::kind::interrupt, {}}); break;
            case 2: acts.push_back({pause, act::kind::submit, name + "~"}); break;
            case 3: acts.push_back({pause, act::kind::submit, name + "-"}); break;
            case 4: acts.push_back({pause, act::kind::submit, name + "!"}); break;
            default: acts.push_back({pause, act::kind::submit, name});
            }
        }
    }

    static answer_plan choose_plan(dice& d, int number) {
        answer_plan plan;
        auto const n = d.below(7);
        for (std::uint64_t i = 0; i < n; ++i) {
            milliseconds const delay = d.one_in(3) ? milliseconds{0} : d.time(d.one_in(4) ? 300 : 60);
            plan.deltas.emplace_back(delay, std::to_string(number) + static_cast<char>('a' + i) + " ", d.one_in(5));
        }
        auto const end = d.below(10);
        plan.end = end < 6   ? how_it_ends::well
                   : end < 8 ? how_it_ends::failure
                   : end < 9 ? how_it_ends::defect
                             : how_it_ends::never;
        plan.finalizer = d.one_in(8) ? milliseconds{600} : d.one_in(2) ? d.time(120) : milliseconds{0};
        return plan;
    }
};

template <class Rules>
class scenario_run {
public:
    using handler = chat::interruptible_handler<std::string, model_error, Rules>;
    using subscription = typename handler::subscription;

    scenario_run(scenario const& what, observation& seen)
        : what_(what), seen_(seen), session_(seen.log, [this](std::size_t n) { return plan(n); }),
          handler_(session_, options()) {
        seen.max_wait = what.max_wait;
        seen.stop_timeout = what.stop_timeout;
        seen.most_unread = what.capacity + what.reserved;
        seen.readers.resize(2);
        seen.late.resize(1);
    }
    ~scenario_run() { seen_.plans = session_.plans(); }

    coir::task<> operator()() {
        auto body = [this](coir::scope<>& s) -> coir::task<> { return play(s); };
        auto ignorer = what_.has_ignorer ? std::optional(handler_.subscribe()) : std::nullopt;
        co_await coir::with_scope(coir::moved(body));
        seen_.accepted_after_end = handler_.submit("z9");
        if (ignorer) {
            seen_.ignorer.emplace();
            co_await read(std::move(*ignorer), *seen_.ignorer, milliseconds{0});
        }
    }

private:
    coir::task<> play(coir::scope<>& s) {
        s.fork(read, handler_.subscribe(), std::ref(seen_.readers[0]), milliseconds{0});
        s.fork(read, handler_.subscribe(), std::ref(seen_.readers[1]), what_.slow_reader);
        s.fork(&scenario_run::read_late, this);
        for (auto const& acts : what_.submitters) {
            s.fork(&scenario_run::type, this, std::cref(acts));
        }
        coir::fiber<> const owner = s.fork(&scenario_run::own, this);
        co_await coir::sleep_for(what_.end_after);
        co_await end(owner);
    }

    coir::task<> own() {
        auto const left = co_await (handler_.run() | coir::as_outcome());
        seen_.left = left.value();
    }

    coir::task<> type(std::vector<act> const& acts) {
        for (act const& a : acts) {
            co_await coir::sleep_for(a.delay);
            perform(a);
        }
    }

    void perform(act const& a) {
        switch (a.what) {
        case act::kind::submit: seen_.log.add(submitted{a.input, handler_.submit(a.input)}); break;
        case act::kind::flush:
            seen_.log.add(commanded{"flush"});
            handler_.flush();
            break;
        case act::kind::interrupt:
            seen_.log.add(commanded{"interrupt"});
            handler_.interrupt();
            break;
        }
    }

    // An orderly end lets the last answers finish, but some never do.
    coir::task<> end(coir::fiber<> owner) {
        if (what_.ends == ending_kind::close_input) {
            seen_.log.add(commanded{"close_input"});
            handler_.close_input();
            co_await coir::sleep_for(std::chrono::seconds{30});
        }
        if (what_.ends == ending_kind::interrupt_run) {
            seen_.log.add(commanded{"interrupt run()"});
            co_await owner.interrupt();
            seen_.left = handler_.take_unanswered();
        } else {
            seen_.log.add(commanded{"shutdown"});
            handler_.shutdown();
        }
    }

    static coir::task<> read(subscription events, reader& into, milliseconds pause) {
        while (auto e = co_await events.next()) {
            into.events.push_back(std::move(*e));
            co_await coir::sleep_for(pause);
        }
        into.dropped = events.was_dropped();
        into.ended = true;
    }

    coir::task<> read_late() {
        co_await coir::sleep_for(what_.late_reader_after);
        co_await read(handler_.subscribe(), seen_.late[0], milliseconds{0});
    }

    answer_plan plan(std::size_t number) const { return what_.plans[(number - 1) % what_.plans.size()]; }

    chat::handler_options<std::string> options() {
        chat::handler_options<std::string> o;
        o.debounce = what_.debounce;
        o.max_wait = what_.max_wait;
        o.max_batch = what_.max_batch;
        o.stop_timeout = what_.stop_timeout;
        o.events.capacity = what_.capacity;
        o.events.reserved = what_.reserved;
        o.events.patience = what_.patience;
        o.while_running = [](std::string const& input) {
            return is_ignorable(input) ? chat::on_running::ignore
                   : is_queued(input)  ? chat::on_running::queue
                                       : chat::on_running::interrupt;
        };
        o.is_immediate = [](std::string const& input) { return input.ends_with('!'); };
        o.on_diagnostic = [this](std::string_view said) { seen_.log.add(diagnosed{std::string(said)}); };
        o.events.on_diagnostic = o.on_diagnostic;
        return o;
    }

    scenario const& what_;
    observation& seen_;
    scripted_session session_;
    handler handler_;
};

// Ends with all fibers ended, the ones left behind too.
template <class Rules = chat::sound_rules>
void run_scenario(coir::test_scheduler& s, scenario const& what, observation& seen) {
    scenario_run<Rules> run(what, seen);
    s.set_turn_limit(100'000);
    static_cast<void>(s.run([&] { return run(); }).value());
}

} // namespace handler_model
