// Marble tests: what a pipeline does, and when, on the virtual clock, in one line for each stream.
//
//     using namespace coir::marbles;
//     CHECK(play("a-b-----c|", coir::streams::debounce(3_dashes)) == "-----b---(c|)");
//
//     board b;                                            // when there is more than one source
//     line seen;
//     auto& stop = b.signal("------|");
//     auto letters = b.source("a---b---c|", seen) | coir::streams::interrupt_when(stop);
//     CHECK(b.play(std::move(letters)) == "a---b-|");
//     CHECK(seen == "a---b-!");                           // what became of the source
//
// <coir/testing/marble_line.hpp> has the table of what stands for what.
#pragma once

#include <coir/detail/marble_play.hpp>
#include <coir/testing/test_scheduler.hpp>

#include <deque>

namespace coir::inline v0::marbles {

// About the consumer of a pipeline. Times count from the beginning of the play.
struct play_options {
    clock::duration takes{};                         // for each element
    std::optional<clock::duration> interrupted_at{}; // it ends with !, unless it has ended before
    std::optional<clock::duration> until{};          // the line is cut off then; nothing: after 1,000 dashes
};

// A virtual clock, and sources and signals on it. Not movable, as they refer to it, and outlives
// them. Used by one thread.
class board {
public:
    explicit board(clock::duration dash = dashes{1}) : dash_{detail::checked_dash(dash)} {}
    // Fibers run in an order that is drawn from `seed`.
    board(clock::duration dash, std::uint64_t seed) : dash_{detail::checked_dash(dash)}, scheduler_{seed} {}

    // A stream of the elements of a line, whose names are read as T: char, std::string or an
    // integer. Its time begins with the first pull, and who pulls late gets at once what was due
    // meanwhile. It fails with marbles::failure; without an end it goes on and gives nothing.
    // Throws std::invalid_argument for what is no line, and for a name that is no T.
    template <class T = char>
    auto source(std::string_view text) {
        return detail::marble_source<T>{line{text, dash_}.events(), nullptr, std::nullopt};
    }
    // The same, and `seen` says what was pulled from it, when, and how that ended: as the line
    // says, with a ! in a pull that was interrupted, or with a / between two pulls.
    template <class T = char>
    auto source(std::string_view text, line& seen) {
        return detail::marble_source<T>{line{text, dash_}.events(), &recorder(seen), std::nullopt};
    }
    // The same with a time that begins now: what comes before the first pull is missed.
    template <class T = char>
    auto hot_source(std::string_view text) {
        return detail::marble_source<T>{line{text, dash_}.events(), nullptr, scheduler_.now()};
    }
    template <class T = char>
    auto hot_source(std::string_view text, line& seen) {
        return detail::marble_source<T>{line{text, dash_}.events(), &recorder(seen), scheduler_.now()};
    }

    // A deferred that is completed by the first event of a line, whose time begins now: an element
    // or | succeeds it, # fails it, * makes it a defect, and ! interrupts it.
    deferred<void, failure>& signal(std::string_view text) {
        std::vector<event> const events = line{text, dash_}.events();
        deferred<void, failure>& d = signals_.emplace_back();
        if (!events.empty()) {
            scheduler_.start(detail::raise_signal, &d, scheduler_.now(), events.front());
        }
        return d;
    }

    // Runs a pipeline from now on -> what it gave and how it ended, each at its time. Ends and
    // throws as run does.
    template <async_stream S>
    line play(S pipeline, play_options options = {}) {
        line out;
        run(record(std::move(pipeline), out, options.takes), options);
        return out;
    }
    // The same for a single source: `text` through `stages`.
    template <class T = char, class Closure>
    line play(std::string_view text, Closure&& stages, play_options options = {}) {
        return play(source<T>(text) | std::forward<Closure>(stages), options);
    }

    // What play does, for tests with several consumers, or whose pipelines are made in a fiber:
    // `work`, a task or a callable that returns one, is run; and a task that consumes a pipeline
    // and writes down in `out`, which outlives it, what it gave and how it ended.
    //
    //     auto work = [&]() -> coir::task<> {
    //         auto all = b.source("abc|") | coir::streams::broadcast(2);
    //         coir::fork(b.record(all.subscribe(), fast));
    //         co_await b.record(all.subscribe(), slow, 2_dashes);
    //     };
    //     b.run(work);
    //
    // What else runs on the scheduler is interrupted at the end. Throws deadlock_error if something
    // does not end although it was interrupted.
    template <class Work>
    void run(Work&& work, play_options options = {}) {
        clock::time_point const begin = scheduler_.now();
        clock::time_point const last = detail::deadline_after(begin, options.until.value_or(1'000 * dash_));
        auto running = scheduler_.start(std::forward<Work>(work));
        scheduler_.start(detail::sleep_through, last);
        if (options.interrupted_at) {
            scheduler_.start(detail::interrupt_at<decltype(running)>, running,
                             detail::deadline_after(begin, *options.interrupted_at));
        }
        begin_ = begin;
        scheduler_.run_until([&] { return running.poll() != nullptr || scheduler_.now() >= last; });
        begin_.reset();
        scheduler_.interrupt_all();
    }
    template <async_stream S>
    task<> record(S pipeline, line& out, clock::duration takes = {}) {
        return detail::consume_marbles<S>(std::move(pipeline), &recorder(out), takes);
    }

    test_scheduler& scheduler() noexcept { return scheduler_; }
    clock::duration dash() const noexcept { return dash_; }

private:
    detail::marble_recorder& recorder(line& out) {
        out = line{dash_};
        return recorders_.emplace_back(out, scheduler_, begin_);
    }

    clock::duration dash_;
    std::optional<clock::time_point> begin_; // of what is recorded
    std::deque<deferred<void, failure>> signals_;
    std::deque<detail::marble_recorder> recorders_;
    test_scheduler scheduler_; // ends its fibers first
};

// What `stages` make of a line, on a board of its own with a dash of ten milliseconds.
template <class T = char, class Closure>
line play(std::string_view text, Closure&& stages, play_options options = {}) {
    board b;
    return b.play<T>(text, std::forward<Closure>(stages), options);
}

} // namespace coir::inline v0::marbles
