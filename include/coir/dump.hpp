// What every fiber of a scheduler is doing, for whoever asks why a program hangs.
//
//     std::fputs(coir::dump(pool).c_str(), stderr);
//
//     fiber 1 waits for fiber 3 at server.cpp:52
//       fiber 3 (accept) waits for its children at server.cpp:31
//         fiber 9 (client) waits for queue pop at client.cpp:17, asked to end by fiber 3
//         fiber 12 (client) is running
//
// From any thread, while the program runs; what is asked costs the fibers nothing until then.
// docs/gdb/coir.py prints the same of a process that hangs, or of a core file.
#pragma once

#include <coir/detail/fiber_walk.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/runtime/scheduler.hpp>

#include <compare>
#include <cstddef>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace coir::inline v0 {

enum class fiber_activity : unsigned char {
    ready,      // it can go on, and stands in its scheduler's queue
    running,    // on a thread
    waiting,    // suspended; an interruption reaches it
    masked,     // suspended where no interruption reaches it: behind a mask, or awaiting its last children
    cancelling, // suspended; what it waits for is being given up
};

constexpr std::string_view to_string(fiber_activity a) noexcept {
    switch (a) {
    case fiber_activity::ready: return "ready";
    case fiber_activity::running: return "running";
    case fiber_activity::waiting: return "waiting";
    case fiber_activity::masked: return "masked";
    case fiber_activity::cancelling: return "cancelling";
    }
    return {};
}

struct fiber_info {
    fiber_id id;
    fiber_id parent;       // none: of the scheduler itself
    std::size_t depth = 0; // 0 without a parent
    std::string name;
    fiber_activity state{};
    bool interrupt_requested = false;
    fiber_id interrupted_by;                 // none: from outside of all fibers
    std::string_view waits_for;              // "deferred", "sleep"; empty: nothing, or not known
    fiber_id joins;                          // the fiber whose end it waits for
    std::source_location where;              // of the co_await it is suspended in; line 0: not known
    std::vector<std::source_location> stack; // where each of its tasks awaits, the innermost first
};

struct dump_options {
    bool stacks = false;          // fill in fiber_info::stack
    std::size_t stack_limit = 64; // the innermost so many
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// Where the user's innermost task awaits; where the library's does, if there is no other.
inline std::source_location user_site(frame const* top) noexcept {
    for (frame const* f = top; f != nullptr; f = f->caller) {
        if (!is_in_library(f->site)) {
            return f->site;
        }
    }
    return top != nullptr ? std::source_location{top->site} : std::source_location{};
}

inline void read_suspended(fiber_info& info, fiber_base& f, dump_options const& options) {
    info.state = fiber_activity::masked;
    info.waits_for = f.masked_in() != nullptr ? f.masked_in() : "";
    if (leaf const* const l = f.held_in()) {
        info.state = f.shield() == 0 ? fiber_activity::waiting : fiber_activity::masked;
        info.waits_for = l->what();
        info.joins = l->whose();
    }
    info.where = user_site(f.top());
    if (options.stacks) {
        for (frame const* at = f.top(); at != nullptr && info.stack.size() < options.stack_limit; at = at->caller) {
            info.stack.push_back(at->site);
        }
    }
}

inline void read_other(fiber_info& info, fiber_base& f) noexcept {
    if (claim_word::state(f.seen_claim()) == wait_state::cancelling) {
        info.state = fiber_activity::cancelling;
        char const* const what = f.leaving(); // once: it may change
        info.waits_for = what != nullptr ? what : "";
        info.where = f.leaving_at();
    } else {
        info.state = f.is_queued() || f.is_woken() ? fiber_activity::ready : fiber_activity::running;
    }
}

inline fiber_info read_fiber(visited_fiber const& v, dump_options const& options) {
    fiber_info info;
    info.id = v.fiber.id();
    info.parent = v.parent;
    info.depth = v.depth;
    info.name = v.fiber.name();
    info.interrupt_requested = v.fiber.interrupt_requested();
    info.interrupted_by = v.fiber.interrupted_by();
    v.held ? read_suspended(info, v.fiber, options) : read_other(info, v.fiber);
    return info;
}

// The fibers of streams are found last, without a level of their own; puts them and all below
// behind the other children of who pulls, if that one is there.
inline void nest_streams(std::vector<fiber_info>& all) {
    auto const is_of_a_stream = [](fiber_info const& f) { return f.depth == 0 && f.parent; };
    if (std::none_of(all.begin(), all.end(), is_of_a_stream)) {
        return;
    }
    struct place {
        fiber_id key;
        std::size_t at;
        auto operator<=>(place const&) const = default;
    };
    std::vector<place> by_id;
    std::vector<place> by_parent;
    for (std::size_t i = 0; i != all.size(); ++i) {
        by_id.push_back({all[i].id, i});
        by_parent.push_back({all[i].parent, i});
    }
    std::sort(by_id.begin(), by_id.end());
    std::sort(by_parent.begin(), by_parent.end());
    auto const is_there = [&](fiber_id id) {
        auto const found = std::lower_bound(by_id.begin(), by_id.end(), place{id, 0});
        return found != by_id.end() && found->key == id;
    };

    std::vector<fiber_info> nested;
    nested.reserve(all.size());
    std::vector<place> next; // a stack; key: unused
    auto const push_children = [&](fiber_id of) {
        auto const first = std::lower_bound(by_parent.begin(), by_parent.end(), place{of, 0});
        auto last = first;
        while (last != by_parent.end() && last->key == of) {
            ++last;
        }
        while (last != first) {
            next.push_back(*--last);
        }
    };
    for (std::size_t i = 0; i != all.size(); ++i) {
        if (is_there(all[i].parent)) {
            continue;
        }
        all[i].depth = 0;
        next.push_back({all[i].parent, i});
        while (!next.empty()) {
            fiber_info& f = all[next.back().at];
            next.pop_back();
            std::size_t const before = next.size();
            push_children(f.id);
            for (std::size_t c = before; c != next.size(); ++c) {
                all[next[c].at].depth = f.depth + 1;
            }
            nested.push_back(std::move(f));
        }
    }
    all = std::move(nested);
}

// Walks take turns.
COIR_SHARED inline std::mutex& walking() noexcept {
    static std::mutex m;
    return m;
}

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// All fibers of `s` that have not ended, parents before their children and the oldest first. Any
// thread, also one that runs fibers; `s` must live. Each is as it was at one moment, and different
// ones at different moments, while others run. O(fibers); holds the lock of one fiber's children
// at a time, and for a moment the fiber it reads. Throws std::bad_alloc. Not in signal handlers.
inline std::vector<fiber_info> snapshot(scheduler& s, dump_options options = {}) {
    std::vector<fiber_info> all;
    std::lock_guard const alone{detail::walking()};
    detail::nursery_walk walk;
    walk(s.fibers(), [&](detail::visited_fiber const& v) { all.push_back(detail::read_fiber(v, options)); });
    detail::nest_streams(all);
    return all;
}

} // namespace coir::inline v0

namespace coir::inline v0::detail {

inline void describe_id(std::string& text, fiber_id id) { text.append("fiber ").append(std::to_string(id.value)); }

inline void describe_site(std::string& text, std::source_location at) {
    if (at.line() != 0) {
        text.append(" at ").append(at.file_name()).append(":").append(std::to_string(at.line()));
    }
}

inline void describe_activity(std::string& text, fiber_info const& f) {
    switch (f.state) {
    case fiber_activity::ready: text.append(" is ready"); return;
    case fiber_activity::running: text.append(" is running"); return;
    case fiber_activity::cancelling: text.append(" is being cancelled, waited"); break;
    case fiber_activity::masked: text.append(" waits, masked,"); break;
    case fiber_activity::waiting: text.append(" waits"); break;
    }
    text.append(" for ");
    if (f.joins) {
        describe_id(text, f.joins);
    } else {
        text.append(f.waits_for.empty() ? "something" : f.waits_for);
    }
}

inline void describe(std::string& text, fiber_info const& f, std::size_t depth) {
    text.append(2 * depth, ' ');
    describe_id(text, f.id);
    if (!f.name.empty()) {
        text.append(" (").append(f.name).append(")");
    }
    describe_activity(text, f);
    describe_site(text, f.where);
    if (f.interrupt_requested) {
        text.append(", asked to end");
        if (f.interrupted_by) {
            text.append(" by ");
            describe_id(text, f.interrupted_by);
        }
    }
    text.append("\n");
    for (std::source_location const at : f.stack) {
        text.append(2 * depth + 4, ' ').append("awaits");
        describe_site(text, at);
        text.append("\n");
    }
}

// A line for each, indented below its parent.
inline void describe_all(std::string& text, std::vector<fiber_info> const& all, std::size_t depth = 0) {
    for (fiber_info const& f : all) {
        describe(text, f, depth + f.depth);
    }
}

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// The same as text, a line for each, with its children indented below it.
inline std::string dump(scheduler& s, dump_options options = {}) {
    std::string text;
    detail::describe_all(text, snapshot(s, options));
    return text;
}

} // namespace coir::inline v0
