// What must hold for every run of a handler, whatever the schedule: each violation names its number.
//
//   std::vector<std::string> const violations = check(observed);
//   REQUIRE(violations.empty());
#pragma once

#include "model/scripted_session.hpp"

#include <coir/testing/virtual_clock.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace handler_model {

// "250 delta 1 Hel": the time is in milliseconds, of a test's scheduler since it began.
inline std::string line(event const& e) {
    struct writer {
        std::string operator()(chat::request_started<std::string> const& s) const {
            std::string text = "started " + std::to_string(s.id);
            for (auto const& input : s.inputs) {
                text += " " + input;
            }
            return text;
        }
        std::string operator()(chat::text_delta const& d) const {
            return "delta " + std::to_string(d.id) + " " + d.delta;
        }
        std::string operator()(chat::request_completed const& c) const {
            return "completed " + std::to_string(c.id) + " " + c.text;
        }
        std::string operator()(chat::request_interrupted const& i) const {
            constexpr char const* reasons[] = {"new_user_input", "ctrl_c", "shutdown"};
            return "interrupted " + std::to_string(i.id) + " " + reasons[static_cast<int>(i.reason)] + " " + i.partial;
        }
        std::string operator()(chat::request_failed<model_error> const& f) const {
            std::string const cause = f.cause.is_failure() ? "(" + f.cause.error().what + ") " : "(defect) ";
            return "failed " + std::to_string(f.id) + " " + cause + f.partial;
        }
    };
    auto const at = std::chrono::duration_cast<milliseconds>(e.at - coir::virtual_clock::start);
    return std::to_string(at.count()) + " " + std::visit(writer{}, e.what);
}

inline std::vector<std::string> lines(std::vector<event> const& events) {
    std::vector<std::string> result;
    std::ranges::transform(events, std::back_inserter(result), line);
    return result;
}

// What one subscriber saw.
struct reader {
    std::vector<event> events;
    bool dropped = false; // it was too slow, and knows that events are missing
    bool ended = false;
};

struct observation {
    record log;
    std::vector<answer_plan> plans;
    // The first is there from the beginning and prompt; further ones may be slow.
    std::vector<reader> readers;
    std::vector<reader> late;                     // subscribed in the middle
    std::optional<reader> ignorer;                // read nothing until run() had ended
    std::optional<std::vector<std::string>> left; // what run() returned
    bool accepted_after_end = false;

    // Of the handler.
    milliseconds max_wait{};
    milliseconds stop_timeout{};
    std::size_t most_unread = 0;
    bool virtual_time = true; // else nothing is checked that depends on time
};

using violations = std::vector<std::string>;

// An input's name ends in its policy.
inline bool is_ignorable(std::string const& input) { return input.ends_with('-'); }
inline bool is_queued(std::string const& input) { return input.ends_with('~'); }

// The events of one request, as the first reader saw them.
struct request_view {
    chat::request_started<std::string> const* started = nullptr;
    time_point started_at{};
    time_point ended_at{};
    std::string deltas;
    std::string text; // of the terminal event
    std::optional<chat::ending> how;
};

class checking {
public:
    explicit checking(observation const& o) : o_(o) {}

    violations run() {
        read_events();
        check_readers();
        check_session();
        check_inputs();
        check_shutdown();
        if (o_.virtual_time) {
            check_max_wait();
            check_promptness();
        }
        return std::move(found_);
    }

private:
    void violated(std::string what) { found_.push_back(std::move(what)); }
    void expect(bool holds, std::string const& number, std::string const& what) {
        if (!holds) {
            violated(number + ": " + what);
        }
    }

    // ---- One subscriber's order of events.

    void read_events() {
        for (auto const& e : o_.readers.front().events) {
            std::visit([&](auto const& what) { see(what, e.at); }, e.what);
        }
        for (auto const& [id, r] : requests_) {
            expect(r.how.has_value(), "H6", "no terminal event for request " + std::to_string(id));
        }
    }

    void see(chat::request_started<std::string> const& e, time_point at) {
        expect(e.id == requests_.size() + 1, "H6", "ids do not count from 1: " + std::to_string(e.id));
        expect(requests_.empty() || requests_.rbegin()->second.how, "H11", "started before the end of the last one");
        requests_[e.id].started = &e;
        requests_[e.id].started_at = at;
    }
    void see(chat::text_delta const& e, time_point) {
        request_view& r = requests_[e.id];
        expect(r.started && !r.how, "H5", "a delta outside its request, " + std::to_string(e.id));
        r.deltas += e.delta;
    }
    void see(chat::request_completed const& e, time_point at) { end(e.id, e.text, chat::ending::completed, at); }
    void see(chat::request_interrupted const& e, time_point at) { end(e.id, e.partial, chat::ending::interrupted, at); }
    void see(chat::request_failed<model_error> const& e, time_point at) {
        end(e.id, e.partial, chat::ending::failed, at);
    }

    void end(chat::request_id id, std::string const& text, chat::ending how, time_point at) {
        request_view& r = requests_[id];
        std::string const name = "request " + std::to_string(id);
        expect(!r.how, how == chat::ending::interrupted ? "H13/H6" : "H6", "two terminal events for " + name);
        expect(text == r.deltas, "H4", name + " gave \"" + r.deltas + "\" but says \"" + text + "\"");
        r.text = text;
        r.how = how;
        r.ended_at = at;
    }

    // ---- Several subscribers.

    void check_readers() {
        auto const all = lines(o_.readers.front().events);
        expect(!o_.readers.front().dropped, "H16", "a prompt subscriber was dropped");
        for (auto const& r : o_.readers) {
            check_beginning(all, r);
            expect(r.ended, "H14", "the events did not end");
        }
        for (auto const& r : o_.late) {
            auto const seen = lines(r.events);
            bool const is_part = !std::ranges::search(all, seen).empty() || seen.empty();
            bool const to_the_end = r.dropped || seen.empty() || seen.back() == all.back();
            expect(is_part && to_the_end, "H16", "a late subscriber saw something else");
        }
        if (o_.ignorer) {
            check_beginning(all, *o_.ignorer);
            expect(o_.ignorer->events.size() <= o_.most_unread, "H15", "more events are kept than there is room for");
            bool told = false;
            for_each<diagnosed>([&](diagnosed const&, time_point) { told = true; });
            expect(told || !o_.ignorer->dropped, "H15", "a subscriber was dropped without a diagnostic");
        }
    }

    void check_beginning(std::vector<std::string> const& all, reader const& r) {
        auto const seen = lines(r.events);
        bool const same =
            r.dropped ? seen.size() <= all.size() && std::equal(seen.begin(), seen.end(), all.begin()) : seen == all;
        expect(same, "H16", "two subscribers saw different events");
    }

    // ---- What the session saw: turns are kept before the next answer is asked for, and answers do not overlap.

    template <class What, class F>
    void for_each(F f) const {
        for (auto const& e : o_.log.entries()) {
            if (auto const* const what = std::get_if<What>(&e.what)) {
                f(*what, e.at);
            }
        }
    }

    void check_session() {
        std::size_t asked = 0;
        std::size_t kept = 0;    // turns
        std::size_t settled = 0; // requests whose turn is due
        std::size_t open = 0;    // the answer whose finalizers have not run
        for (auto const& e : o_.log.entries()) {
            if (auto const* const a = std::get_if<answer_asked>(&e.what)) {
                expect(open == 0, "H11",
                       "request " + std::to_string(a->number) + " began before the last one's finalizers");
                check_turns(asked, kept, settled);
                asked = a->number;
            } else if (auto const* const b = std::get_if<answer_begun>(&e.what)) {
                open = b->number;
            } else if (auto const* const f = std::get_if<answer_finalized>(&e.what)) {
                open = f->number == open ? 0 : open;
            } else if (auto const* const d = std::get_if<diagnosed>(&e.what)) {
                open = d->what.find("left behind") != std::string::npos ? 0 : open;
            } else if (std::holds_alternative<turn_kept>(e.what)) {
                ++kept;
            }
        }
        check_turns(asked, kept, settled);
    }

    // Requests up to `last` are over, and `kept` turns were kept so far.
    void check_turns(std::size_t last, std::size_t kept, std::size_t& settled) {
        for (; settled < last; ++settled) {
            auto const r = requests_.find(settled + 1);
            if (r != requests_.end() && r->second.how && leaves_a_turn(r->second)) {
                check_turn(r->first, r->second, kept);
            }
        }
        expect(kept <= turns_, "H18/H19", "more turns are kept than there were answers");
    }

    static bool leaves_a_turn(request_view const& r) { return r.how != chat::ending::interrupted || !r.text.empty(); }

    void check_turn(chat::request_id id, request_view const& r, std::size_t kept) {
        std::size_t n = 0;
        turn_kept const* turn = nullptr;
        for_each<turn_kept>([&](turn_kept const& t, time_point) {
            if (n++ == turns_) {
                turn = &t;
            }
        });
        ++turns_;
        bool const same = turn && kept >= turns_ && r.started && turn->text == r.text && turn->how == r.how &&
                          turn->inputs == r.started->inputs;
        expect(same, "H19",
               "the conversation does not hold the end of request " + std::to_string(id) + " before the next is built");
    }

    // ---- Every input is answered or given back, once.

    void check_inputs() {
        std::map<std::string, int> balance;
        for_each<submitted>([&](submitted const& s, time_point) { balance[s.input] += s.accepted ? 1 : 0; });
        for_each<turn_kept>([&](turn_kept const& t, time_point) {
            for (auto const& input : t.inputs) {
                --balance[input];
            }
        });
        if (!o_.left) {
            violated("H14: run() did not end");
            return;
        }
        for (auto const& input : *o_.left) {
            --balance[input];
        }
        for (auto const& [input, n] : balance) {
            expect(n <= 0 || is_ignorable(input), "H8/H9", "input " + input + " is lost");
            expect(n >= 0, "H9", "input " + input + " was answered twice, or by nobody submitted");
        }
        check_order();
    }

    // The inputs of one submitter keep their order. Their names begin with a letter for it and a number.
    void check_order() {
        std::map<char, int> last;
        std::map<std::string, bool> seen;
        for_each<answer_asked>([&](answer_asked const& a, time_point) {
            for (auto const& input : a.inputs) {
                if (!std::exchange(seen[input], true)) {
                    int const number = std::stoi(input.substr(1));
                    expect(number > std::exchange(last[input[0]], number), "H2",
                           "input " + input + " overtook another");
                }
            }
        });
    }

    void check_shutdown() { expect(!o_.accepted_after_end, "H14", "an input was accepted after the end"); }

    // ---- Time.

    std::optional<time_point> submitted_at(std::string const& input) const {
        std::optional<time_point> found;
        for_each<submitted>([&](submitted const& s, time_point at) {
            if (s.input == input) {
                found = at;
            }
        });
        return found;
    }

    void check_max_wait() {
        time_point free{};
        std::map<std::string, bool> seen;
        for (auto const& [id, r] : requests_) {
            for (auto const& input : r.started ? r.started->inputs : std::vector<std::string>{}) {
                auto const at = submitted_at(input);
                if (at && !std::exchange(seen[input], true)) {
                    expect(r.started_at - (std::max)(*at, free) <= o_.max_wait, "H17",
                           "input " + input + " waited too long");
                }
            }
            free = r.ended_at;
        }
    }

    // An input interrupts the request that runs: it ends within the time of its finalizer and of what
    // cannot be interrupted, and otherwise is left behind.
    void check_promptness() {
        for_each<submitted>([&](submitted const& s, time_point at) {
            if (!s.accepted || is_ignorable(s.input) || is_queued(s.input)) {
                return;
            }
            for (auto const& [id, r] : requests_) {
                if (r.started_at < at && at < r.ended_at && id <= o_.plans.size()) {
                    bool const in_time = r.ended_at - at <= (std::min)(longest_stop(o_.plans[id - 1]), o_.stop_timeout);
                    expect(in_time, "H3/H12", "input " + s.input + " did not interrupt request " + std::to_string(id));
                }
            }
        });
    }

    static milliseconds longest_stop(answer_plan const& plan) {
        milliseconds longest{0};
        for (auto const& d : plan.deltas) {
            longest = (std::max)(longest, d.masked ? d.delay : milliseconds{0});
        }
        return longest + plan.finalizer;
    }

    observation const& o_;
    std::map<chat::request_id, request_view> requests_;
    std::size_t turns_ = 0;
    violations found_;
};

inline violations check(observation const& o) { return checking(o).run(); }

} // namespace handler_model
