// The operators that combine streams, or run several at once.
#include "gallery.hpp"

#include <coir/fiber.hpp>

namespace marble_diagrams {

namespace {

constexpr char const* letters = "a---b---c-----|";
constexpr char const* numbers = "--1---2--3-|";

// a1, a2... of an element a.
auto inner_of(coir::marbles::board& b, std::string_view text) {
    return [&b, text](char outer) {
        auto named = [outer](char inner) { return std::string{outer, inner}; };
        return b.source(text) | streams::transform(named);
    };
}

// Takes as many seconds as the number says.
coir::task<char> work(char c) {
    co_await coir::sleep_for(std::chrono::seconds{c - '0'});
    co_return c;
}

template <class Combine>
void two_sides(gallery& g, std::string name, std::string code, Combine combine, std::string_view left = letters,
               std::string_view right = numbers) {
    figure f{g, std::move(name)};
    auto a = f.source("a", left);
    auto b = f.source("b", right);
    f.play(std::move(code), combine(std::move(a), std::move(b)));
}

void draw_sides(gallery& g) {
    auto merge = [](auto a, auto b) { return streams::merge(std::move(a), std::move(b)); };
    two_sides(g, "merge", "merge(a, b)", merge);
    two_sides(g, "merge_failure", "merge(a, b)", merge, letters, "--1---2#{off}");
    auto either = [](auto a, auto b) {
        return std::move(a) | streams::merge(std::move(b), streams::ends_with::either);
    };
    two_sides(g, "merge_either", "a | merge(b, ends_with::either)", either);
    auto left = [](auto a, auto b) { return std::move(a) | streams::merge(std::move(b), streams::ends_with::left); };
    two_sides(g, "merge_left", "a | merge(b, ends_with::left)", left, "a---b---|", "--1---2--3-|");
    auto right = [](auto a, auto b) { return std::move(a) | streams::merge(std::move(b), streams::ends_with::right); };
    two_sides(g, "merge_right", "a | merge(b, ends_with::right)", right, "a---b-|", "--1---2--3-|");
    auto zip = [](auto a, auto b) { return streams::zip(std::move(a), std::move(b)); };
    two_sides(g, "zip", "zip(a, b)", zip);
    auto latest = [](auto a, auto b) { return streams::zip_latest(std::move(a), std::move(b)); };
    two_sides(g, "zip_latest", "zip_latest(a, b)", latest);
    auto concat = [](auto a, auto b) { return streams::concat(std::move(a), std::move(b)); };
    two_sides(g, "concat", "concat(a, b)", concat, "a--b--|", "1-2-3-|");
}

void draw_inner(gallery& g) {
    constexpr std::string_view each = "1---2---3|";
    {
        figure f{g, "flat_map"};
        auto in = f.source("", "a-----b-----|");
        f.marks("f", each);
        f.play("flat_map(f)", std::move(in) | streams::flat_map(inner_of(f.board(), each)));
    }
    {
        figure f{g, "flat_map_par"};
        auto in = f.source("", "a-----b-c---|");
        f.marks("f", each);
        f.play("flat_map(2, f)", std::move(in) | streams::flat_map(2, inner_of(f.board(), each)));
    }
    {
        figure f{g, "switch_map"};
        auto in = f.source("", "a-----b-c---|");
        f.marks("f", each);
        f.play("switch_map(f)", std::move(in) | streams::switch_map(inner_of(f.board(), each)));
    }
}

void draw_workers(gallery& g) {
    {
        figure f{g, "transform_par"};
        auto in = f.pulled_source("pulled", "(7231)|");
        f.play("transform_par(2, f)", std::move(in) | streams::transform_par(2, work));
    }
    {
        figure f{g, "transform_par_unordered"};
        auto in = f.pulled_source("pulled", "(7231)|");
        f.play("transform_par_unordered(2, f)", std::move(in) | streams::transform_par_unordered(2, work));
    }
    {
        figure f{g, "buffer"};
        auto in = f.pulled_source("pulled", "abcdef-----g--|");
        f.play("buffer(2), and who takes 3s for each", std::move(in) | streams::buffer(2), {.takes = 3s});
    }
    {
        figure f{g, "buffer_sliding"};
        auto in = f.pulled_source("pulled", "abcdef-----g--|");
        f.play("buffer(sliding(1)), and who takes 3s for each", std::move(in) | streams::buffer(coir::sliding(1)),
               {.takes = 3s});
    }
    {
        figure f{g, "buffer_dropping"};
        auto in = f.pulled_source("pulled", "abcdef-----g--|");
        f.play("buffer(dropping(1)), and who takes 3s for each", std::move(in) | streams::buffer(coir::dropping(1)),
               {.takes = 3s});
    }
}

// The streams that are made anew, as often as one is asked for.
template <class Begin>
void runs(gallery& g, std::string name, std::string code, std::string_view first, std::string_view second,
          Begin begin) {
    figure f{g, std::move(name)};
    f.marks("1st run", first);
    f.marks("2nd run", second);
    auto next_run = [&f, first, second, begun = 0]() mutable {
        return f.board().source(begun++ == 0 ? first : second);
    };
    f.play(std::move(code), begin(coir::moved(next_run)));
}

void draw_anew(gallery& g) {
    auto retry = [](auto next_run) { return streams::retry(std::move(next_run), coir::spaced(2s)); };
    runs(g, "retry", "retry(next_run, spaced(2s))", "a--b-#{off}", "c--d-|", retry);
    auto before_first = [](auto next_run) {
        return streams::retry_if_nothing_emitted(std::move(next_run), coir::spaced(2s));
    };
    runs(g, "retry_if_nothing_emitted", "retry_if_nothing_emitted(next_run, spaced(2s))", "---#{off}", "c--d-#{off}",
         before_first);
    auto repeat = [](auto next_run) {
        return streams::repeat(std::move(next_run), coir::spaced(2s) && coir::recurs(1));
    };
    runs(g, "repeat", "repeat(next_run, spaced(2s) && recurs(1))", "a--b-|", "c--d-|", repeat);
}

void draw_readers(gallery& g) {
    {
        figure f{g, "broadcast"};
        line fast, slow;
        auto read = [&]() -> coir::task<> {
            auto all = f.pulled_source("pulled", "abcdef|") | streams::broadcast(2);
            auto const one = coir::fork(f.board().record(all.subscribe(), fast));
            co_await f.board().record(all.subscribe(), slow, 3s);
            co_await one;
        };
        f.board().run(read);
        f.show("broadcast(2)", {{"fast", fast}, {"takes 3s", slow}});
    }
    {
        figure f{g, "share"};
        line first, second;
        auto read = [&]() -> coir::task<> {
            auto all = streams::share([&] { return f.board().source("abcdefghi|"); });
            auto late = [&]() -> coir::task<> {
                co_await coir::sleep_for(2500ms);
                co_await f.board().record(all.subscribe() | streams::take(3), second);
            };
            auto const other = coir::fork(late);
            co_await f.board().record(all.subscribe() | streams::take(4), first);
            co_await other;
        };
        f.marks("source", "abcdefghi|");
        f.board().run(read);
        f.show("share", {{"take(4)", first}, {"late, take(3)", second}});
    }
    {
        figure f{g, "partition"};
        line letters_seen, digits_seen;
        auto read = [&]() -> coir::task<> {
            auto is_letter = [](char c) { return c >= 'a'; };
            auto sides = f.pulled_source("pulled", "a12b3c4|") | streams::partition(is_letter, 1);
            auto const one = coir::fork(f.board().record(std::move(sides.matching), letters_seen));
            co_await f.board().record(std::move(sides.rest), digits_seen, 3s);
            co_await one;
        };
        f.board().run(read);
        f.show("partition(is_letter, 1)", {{"matching", letters_seen}, {"rest, takes 3s", digits_seen}});
    }
}

} // namespace

void draw_combining(gallery& g) {
    draw_sides(g);
    draw_inner(g);
    draw_workers(g);
    draw_anew(g);
    draw_readers(g);
}

} // namespace marble_diagrams
