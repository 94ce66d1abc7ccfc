// A conversation whose answers are planned, and which writes down what the handler does with it.
//
//   record log;
//   scripted_session session(log, [](std::size_t n) { return answer_plan{}; });   // n: from 1
//   chat::interruptible_handler<std::string, model_error> handler(session, options);
#pragma once

#include "interruptible_handler.hpp"

#include <coir/fail.hpp>
#include <coir/time.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace handler_model {

using milliseconds = std::chrono::milliseconds;
using time_point = coir::clock::time_point;

struct model_error {
    explicit model_error(std::string w) : what(std::move(w)) {}
    std::string what;
};

using event = chat::handler_event<std::string, model_error>;

enum class how_it_ends { well, failure, defect, never };

// Classes with constructors: GCC 12.2 destroys an aggregate twice that is made inside co_await.
struct delta_plan {
    delta_plan(milliseconds d, std::string t, bool m = false) : delay(d), text(std::move(t)), masked(m) {}
    milliseconds delay; // before the delta; 0: does not suspend
    std::string text;
    bool masked; // the delay cannot be interrupted
};

struct answer_plan {
    answer_plan() = default;
    std::vector<delta_plan> deltas;
    how_it_ends end = how_it_ends::well;
    milliseconds finalizer{0};
};

inline std::string text_of(answer_plan const& plan) {
    std::string text;
    for (auto const& d : plan.deltas) {
        text += d.text;
    }
    return text;
}

// What happened, in the order in which it happened. Numbers count answers, from 1, as ids do.
struct submitted {
    std::string input;
    bool accepted;
};
struct answer_asked {
    std::size_t number;
    std::vector<std::string> inputs;
};
struct answer_begun { // not, if it was interrupted before
    std::size_t number;
};
struct answer_finalized {
    std::size_t number;
};
struct turn_kept {
    std::vector<std::string> inputs;
    std::string text;
    chat::ending how;
};
struct diagnosed {
    std::string what;
};
struct commanded {
    std::string what;
};

struct entry {
    using content =
        std::variant<submitted, answer_asked, answer_begun, answer_finalized, turn_kept, diagnosed, commanded>;
    entry(time_point t, content w) : at(t), what(std::move(w)) {}
    time_point at;
    content what;
};

// May be written to from any thread; read when all is over.
class record {
public:
    void add(entry::content what) {
        std::lock_guard guard(lock_);
        entries_.emplace_back(coir::now(), std::move(what));
    }
    [[nodiscard]] std::vector<entry> const& entries() const noexcept { return entries_; }

private:
    std::mutex lock_;
    std::vector<entry> entries_;
};

class scripted_session : public chat::session<std::string, model_error> {
public:
    using planner = std::function<answer_plan(std::size_t number)>;

    scripted_session(record& log, planner p) : log_(log), planner_(std::move(p)) {}

    coir::stream<std::string, model_error> answer(std::vector<std::string> const& inputs) override {
        std::size_t const number = plans_.size() + 1;
        plans_.push_back(planner_(number));
        log_.add(answer_asked{number, inputs});
        auto finalize = [log = &log_, number, time = plans_.back().finalizer]() -> coir::task<> {
            co_await coir::sleep_for(time);
            log->add(answer_finalized{number});
        };
        return play(log_, number, plans_.back()) | coir::streams::ensuring(coir::moved(finalize));
    }

    void keep(std::vector<std::string> const& inputs, std::string const& text, chat::ending how) override {
        log_.add(turn_kept{inputs, text, how});
    }

    // Of the answers that were asked for so far.
    [[nodiscard]] std::vector<answer_plan> const& plans() const noexcept { return plans_; }

private:
    static coir::stream<std::string, model_error> play(record& log, std::size_t number, answer_plan plan) {
        log.add(answer_begun{number});
        for (delta_plan& d : plan.deltas) {
            if (d.masked) {
                co_await coir::uninterruptible(coir::sleep_for(d.delay));
            } else {
                co_await coir::sleep_for(d.delay);
            }
            co_yield std::move(d.text);
        }
        switch (plan.end) {
        case how_it_ends::well: break;
        case how_it_ends::failure: {
            model_error error("the model is tired");
            co_await coir::fail(std::move(error));
            break;
        }
        case how_it_ends::defect: throw std::runtime_error("a bug in the session");
        case how_it_ends::never: co_await coir::sleep_for(std::chrono::hours{24}); break;
        }
    }

    record& log_;
    planner planner_;
    std::vector<answer_plan> plans_;
};

} // namespace handler_model
