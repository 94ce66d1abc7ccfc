// Sources, stages that look at one element after the other, and sinks: what passes, what is pulled.
#include "endings.hpp"

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <list>
#include <memory>
#include <ranges>
#include <sstream>
#include <tuple>

using namespace stream_test;
using coir_test::counted;

namespace {

// One coroutine for all pipelines: it is what compilers are longest about.
template <class T>
std::vector<T> elements(stream<T> all) {
    test_scheduler s;
    auto end = s.run([&]() -> task<std::vector<T>> { co_return co_await (std::move(all) | streams::to_vector()); });
    return std::move(end).value();
}
template <class T, class Make>
std::vector<T> all_of(Make make) {
    return elements<T>(make());
}
template <class Make>
numbers numbers_of(Make make) {
    return all_of<int>(make);
}

// How often a stage pulls, to get what it gives.
template <class Make>
int pulls_of(Make make) {
    int pulls = 0;
    int closes = 0;
    auto p = make(watched{&pulls, &closes});
    elements<typename decltype(p)::value_type>(std::move(p));
    CHECK(closes == 1);
    return pulls;
}

auto const less_than = [](int n) { return [n](int x) { return x < n; }; };

// Cannot be copied, assigned or made from nothing.
struct heavy {
    explicit heavy(int n) : value{n} {}
    heavy(heavy&&) = default;
    heavy& operator=(heavy&&) = delete;
    int const value;
};

} // namespace

TEST_CASE("iota counts, up to a bound or for ever [S1]") {
    CHECK(numbers_of([] { return streams::iota(3, 6); }) == numbers{3, 4, 5});
    CHECK(numbers_of([] { return streams::iota(3, 3); }).empty());
    CHECK(numbers_of([] { return streams::iota(3, -3); }).empty());
    CHECK(numbers_of([] { return streams::iota(-1) | streams::take(3); }) == numbers{-1, 0, 1});
    CHECK(all_of<unsigned char>([] { return streams::iota(static_cast<unsigned char>(254), 255U); }).size() == 1);
    std::list<int> const l{1, 2, 3};
    auto const places = all_of<std::list<int>::const_iterator>([&] { return streams::iota(l.begin(), l.end()); });
    REQUIRE(places.size() == 3);
    CHECK(*places[2] == 3);
}

TEST_CASE("once, empty and fail_with give one element, none, and a failure [S1][S7]") {
    CHECK(numbers_of([] { return streams::once(3); }) == numbers{3});
    CHECK(numbers_of([] { return streams::empty<int>(); }).empty());
    auto const made = all_of<std::unique_ptr<int>>([] { return streams::once(std::make_unique<int>(4)); });
    CHECK(*made.at(0) == 4);
    test_scheduler s;
    auto const end = s.run([]() -> task<numbers, std::string> {
        std::string const why = "no";
        co_return co_await (streams::fail_with<int>(why) | streams::to_vector());
    });
    CHECK(end.error() == "no");
}

TEST_CASE("a stream that never ends is waited for until it is given up [I1]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto close = finalizer(log);
        auto wait = [&]() -> task<> {
            co_await (streams::concat(streams::once(1), streams::never_ends<int>()) | streams::ensuring(close) |
                      streams::for_each([&log](int n) { log.push_back(std::to_string(n)); }));
        };
        auto const f = fork(wait);
        co_await sleep_for(1h);
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
    });
    CHECK(log == entries{"1", "finalizer begins", "finalizer ends"});
}

TEST_CASE("unfold gives what a function makes of a state, until that is nothing [S1]") {
    auto const halve = [](int& n) -> std::optional<int> {
        return n > 0 ? std::optional{std::exchange(n, n / 2)} : std::nullopt;
    };
    CHECK(numbers_of([&] { return streams::unfold(20, halve); }) == numbers{20, 10, 5, 2, 1});
    auto const page = [](std::unique_ptr<int>& cursor) -> task<std::optional<std::string>> {
        co_await coir::yield();
        co_return *cursor < 2 ? std::optional{std::to_string((*cursor)++)} : std::nullopt;
    };
    auto const pages = all_of<std::string>([&] { return streams::unfold(std::make_unique<int>(0), page); });
    CHECK(pages == entries{"0", "1"});
}

TEST_CASE("a failure or exception of unfold's function is the stream's [S7]") {
    test_scheduler s;
    auto const fails = [](int& n) -> task<std::optional<int>, err> {
        if (n == 2) {
            co_await coir::fail<err>(2);
        }
        co_return n++;
    };
    auto const throws = [](int& n) -> std::optional<int> {
        return n < 2 ? std::optional{n++} : throw std::runtime_error{"unfold"};
    };
    auto const throws_later = [](int&) -> task<std::optional<int>> {
        co_await coir::yield();
        throw std::runtime_error{"unfold"};
    };
    numbers seen;
    auto const note = [&seen](int n) { seen.push_back(n); };
    auto const failed =
        s.run([&]() -> task<void, err> { co_await (streams::unfold(0, fails) | streams::for_each(note)); });
    CHECK(failed.error() == err{2});
    CHECK(seen == numbers{0, 1});
    auto const died = s.run([&]() -> task<> { co_await (streams::unfold(0, throws) | streams::for_each(note)); });
    CHECK(message_of(died.defect()) == "unfold");
    CHECK(seen == numbers{0, 1, 0, 1});
    auto const died_later = s.run([&]() -> task<> { co_await (streams::unfold(0, throws_later) | streams::drain()); });
    CHECK(message_of(died_later.defect()) == "unfold");
}

TEST_CASE("from_task gives the value of a task that begins with the first pull [S1][S7]") {
    test_scheduler s;
    int begun = 0;
    auto const work = [&begun](int n) -> task<int, err> {
        ++begun;
        co_await sleep_for(1ms);
        if (n == 0) {
            co_await coir::fail<err>(1);
        }
        co_return n;
    };
    auto const end = s.run([&]() -> task<numbers, err> {
        auto p = streams::from_task(work(3));
        co_await coir::yield();
        CHECK(begun == 0);
        numbers v = co_await (std::move(p) | streams::to_vector());
        CHECK(begun == 1);
        auto by_call = [&] { return work(4); };
        auto const w = co_await (streams::from_task(by_call) | streams::to_vector());
        v.insert(v.end(), w.begin(), w.end());
        deferred<int> cell;
        cell.succeed(5);
        v.push_back((co_await (streams::from_task(cell) | streams::first())).value());
        co_return v;
    });
    CHECK(end.value() == numbers{3, 4, 5});
    auto const failed = s.run([&]() -> task<void, err> { co_await (streams::from_task(work(0)) | streams::drain()); });
    CHECK(failed.error() == err{1});
    auto const interrupted = s.run([&]() -> task<> {
        deferred<int> cell;
        cell.interrupt();
        co_await (streams::from_task(cell) | streams::drain());
    });
    CHECK(interrupted.is_interrupted());
}

TEST_CASE("from takes any view, once or by value, and what it refers to") {
    std::istringstream text{"1 2 3"};
    CHECK(numbers_of([&] { return streams::from(std::ranges::istream_view<int>(text)); }) == numbers{1, 2, 3});
    numbers const some{4, 5, 6};
    CHECK(numbers_of([&] { return streams::from(some | std::views::reverse); }) == numbers{6, 5, 4});
    CHECK(numbers_of([&] { return streams::from(std::views::single(7)); }) == numbers{7});
    auto evens = some | std::views::filter([](int n) { return n % 2 == 0; });
    CHECK(numbers_of([&] { return streams::from(evens); }) == numbers{4, 6});
    static_assert(!std::copyable<std::ranges::owning_view<numbers>>);
    CHECK(numbers_of([&] { return streams::from(std::ranges::owning_view{numbers{8, 9}}); }) == numbers{8, 9});
    CHECK(numbers_of([&] { return streams::from(std::ranges::ref_view{some}); }) == some);
    CHECK(all_of<char>([] { return streams::from(std::string{"ab"}); }) == std::vector<char>{'a', 'b'});
}

TEST_CASE("take_while ends before the first element that does not fit [S6]") {
    CHECK(numbers_of([] { return streams::from(numbers{1, 2, 5, 1}) | streams::take_while(less_than(3)); }) ==
          numbers{1, 2});
    CHECK(numbers_of([] { return streams::from(numbers{1, 2}) | streams::take_while(less_than(3)); }) == numbers{1, 2});
    CHECK(numbers_of([] { return streams::from(numbers{5}) | streams::take_while(less_than(3)); }).empty());
    CHECK(pulls_of([](watched w) { return std::move(w) | streams::take_while(less_than(3)); }) == 3);
}

TEST_CASE("take_until ends with the first element that fits, which is included [S4]") {
    auto const two = [](int x) { return x == 2; };
    CHECK(numbers_of([&] { return streams::from(numbers{1, 2, 2, 3}) | streams::take_until(two); }) == numbers{1, 2});
    CHECK(numbers_of([&] { return streams::from(numbers{1, 3}) | streams::take_until(two); }) == numbers{1, 3});
    CHECK(pulls_of([&](watched w) { return std::move(w) | streams::take_until(two); }) == 2);
}

TEST_CASE("the predicate of take_until is asked about elements, not while nothing comes [S4]") {
    test_scheduler s;
    int asked = 0;
    bool stop = false;
    numbers seen;
    s.run([&]() -> task<> {
        auto until = [&](int) {
            ++asked;
            return stop;
        };
        auto run = [&]() -> task<> {
            co_await (ticking(10ms, 9) | streams::take_until(until) |
                      streams::for_each([&seen](int n) { seen.push_back(n); }));
        };
        auto const f = fork(run);
        co_await sleep_for(25ms);
        stop = true;
        co_await sleep_for(1ms);
        CHECK(asked == 2);
        CHECK(f.poll() == nullptr);
        co_await f;
    });
    CHECK(seen == numbers{1, 2, 3});
    CHECK(asked == 3);
}

TEST_CASE("drop and drop_while leave out the beginning") {
    CHECK(numbers_of([] { return streams::iota(0, 5) | streams::drop(2); }) == numbers{2, 3, 4});
    CHECK(numbers_of([] { return streams::iota(0, 5) | streams::drop(5); }).empty());
    CHECK(numbers_of([] { return streams::iota(0, 5) | streams::drop(9); }).empty());
    CHECK(numbers_of([] { return streams::iota(0, 3) | streams::drop(0); }) == numbers{0, 1, 2});
    CHECK(numbers_of([] { return streams::from(numbers{1, 5, 1}) | streams::drop_while(less_than(3)); }) ==
          numbers{5, 1});
    int asked = 0;
    auto const count = [&asked](int x) {
        ++asked;
        return x < 3;
    };
    CHECK(numbers_of([&] { return streams::iota(0, 9) | streams::drop_while(count); }).size() == 6);
    CHECK(asked == 4);
}

TEST_CASE("filter asks a task, one element at a time [S5]") {
    test_scheduler s;
    int asking = 0;
    auto const odd = [&asking](int const& x) -> task<bool, err> {
        CHECK(++asking == 1);
        int const& still_there = x;
        co_await sleep_for(1ms);
        --asking;
        if (still_there == 6) {
            co_await coir::fail<err>(6);
        }
        co_return still_there % 2 == 1;
    };
    numbers seen;
    auto const end = s.run([&]() -> task<void, err> {
        co_await (streams::iota(1) | streams::filter(odd) | streams::for_each([&seen](int n) { seen.push_back(n); }));
    });
    CHECK(end.error() == err{6});
    CHECK(seen == numbers{1, 3, 5});
}

TEST_CASE("filter with a task that throws, or is interrupted [S10]") {
    test_scheduler s;
    entries log;
    auto close = finalizer(log);
    auto const throws = [](int x) -> task<bool> {
        co_await coir::yield();
        co_return x < 2 ? true : throw std::runtime_error{"filter"};
    };
    auto const died = s.run([&]() -> task<> {
        co_await (streams::iota(0) | streams::ensuring(close) | streams::filter(throws) | streams::drain());
    });
    CHECK(message_of(died.defect()) == "filter");
    auto const waits = [](int) -> task<bool> {
        deferred<bool> d;
        d.interrupt();
        co_return co_await d;
    };
    auto const interrupted = s.run([&]() -> task<> {
        co_await (streams::iota(0) | streams::ensuring(close) | streams::filter(waits) | streams::drain());
    });
    CHECK(interrupted.is_interrupted());
    CHECK(log == entries{"finalizer begins", "finalizer ends", "finalizer begins", "finalizer ends"});
}

TEST_CASE("scan gives its start before it pulls, then what each element makes of it [S30]") {
    auto const add = [](int a, int b) { return a + b; };
    CHECK(numbers_of([&] { return streams::iota(1, 5) | streams::scan(0, add); }) == numbers{0, 1, 3, 6, 10});
    CHECK(numbers_of([&] { return streams::empty<int>() | streams::scan(7, add); }) == numbers{7});
    CHECK(pulls_of([&](watched w) { return std::move(w) | streams::scan(0, add) | streams::take(1); }) == 0);
    CHECK(pulls_of([&](watched w) { return std::move(w) | streams::scan(0, add) | streams::take(3); }) == 2);
    auto const words = all_of<std::string>([] {
        return streams::iota(0, 3) |
               streams::scan(std::string{}, [](std::string s, int n) { return s + std::to_string(n); });
    });
    CHECK(words == entries{"", "0", "01", "012"});
}

TEST_CASE("enumerate counts the elements that pass") {
    auto const made = all_of<std::pair<std::size_t, std::string>>(
        [] { return streams::from(entries{"a", "b"}) | streams::enumerate(); });
    REQUIRE(made.size() == 2);
    CHECK(made[1] == std::pair<std::size_t, std::string>{1, "b"});
}

TEST_CASE("changes drops what is equal to the element before it") {
    CHECK(numbers_of([] { return streams::from(numbers{1, 1, 2, 1, 1, 1}) | streams::changes(); }) == numbers{1, 2, 1});
    CHECK(numbers_of([] {
              return streams::from(numbers{1, 3, 2, 5}) | streams::changes([](int n) { return n % 2; });
          }) == numbers{1, 2, 5});
    auto const moved = all_of<std::unique_ptr<int>>([] {
        return streams::from(numbers{4, 4, 5}) | streams::transform([](int n) { return std::make_unique<int>(n); }) |
               streams::changes([](std::unique_ptr<int> const& p) { return *p; });
    });
    CHECK(moved.size() == 2);
}

TEST_CASE("chunk gives vectors of n, the last one shorter, and what it has before a failure [S7]") {
    using chunks = std::vector<numbers>;
    auto const of = [](int n, std::size_t size) {
        return all_of<numbers>([&] { return streams::iota(0, n) | streams::chunk(size); });
    };
    CHECK(of(5, 2) == chunks{{0, 1}, {2, 3}, {4}});
    CHECK(of(4, 2) == chunks{{0, 1}, {2, 3}});
    CHECK(of(0, 2).empty());
    CHECK(of(2, 100) == chunks{{0, 1}});
    CHECK(of(2, static_cast<std::size_t>(-1)) == chunks{{0, 1}});
    CHECK_THROWS_AS(streams::chunk(0), std::invalid_argument);
    CHECK(pulls_of([](watched w) { return std::move(w) | streams::chunk(3) | streams::take(2); }) == 6);
    test_scheduler s;
    chunks seen;
    auto const end = s.run([&]() -> task<void, err> {
        co_await (streams::concat(streams::iota(0, 3), streams::fail_with<int>(err{4})) | streams::chunk(2) |
                  streams::for_each([&seen](numbers c) { seen.push_back(std::move(c)); }));
    });
    CHECK(end.error() == err{4});
    CHECK(seen == chunks{{0, 1}, {2}});
}

TEST_CASE("a chunk waits for its elements, and an exception drops what it has") {
    test_scheduler s;
    std::vector<numbers> seen;
    auto const throws = [](int n) -> int { return n < 4 ? n : throw std::runtime_error{"four"}; };
    auto const end = s.run([&]() -> task<> {
        co_await (ticking(10ms, 9) | streams::transform(throws) | streams::chunk(2) |
                  streams::for_each([&seen](numbers c) { seen.push_back(std::move(c)); }));
    });
    CHECK(message_of(end.defect()) == "four");
    CHECK(seen == std::vector<numbers>{{1, 2}});
}

TEST_CASE("adjacent gives each run of neighbours") {
    using pairs = std::vector<std::pair<int, int>>;
    CHECK(all_of<std::pair<int, int>>([] { return streams::iota(1, 5) | streams::adjacent(); }) ==
          pairs{{1, 2}, {2, 3}, {3, 4}});
    CHECK(all_of<std::pair<int, int>>([] { return streams::once(1) | streams::adjacent(); }).empty());
    using triples = std::vector<std::tuple<int, int, int>>;
    CHECK(all_of<std::tuple<int, int, int>>([] { return streams::iota(1, 6) | streams::adjacent<3>(); }) ==
          triples{{1, 2, 3}, {2, 3, 4}, {3, 4, 5}});
}

TEST_CASE("first, last and count") {
    test_scheduler s;
    int pulls = 0;
    int closes = 0;
    s.run([&]() -> task<> {
        auto const one = co_await (watched{&pulls, &closes} | streams::first());
        CHECK(one == 1);
        CHECK(pulls == 1);
        CHECK(closes == 1);
        auto const none = co_await (streams::empty<int>() | streams::first());
        CHECK(none == std::nullopt);
        auto const last = co_await (streams::iota(0, 5) | streams::last());
        CHECK(last == 4);
        auto const no_last = co_await (streams::empty<int>() | streams::last());
        CHECK(no_last == std::nullopt);
        auto const five = co_await (streams::iota(0, 5) | streams::count());
        CHECK(five == 5);
        auto const zero = co_await (streams::empty<int>() | streams::count());
        CHECK(zero == 0);
        auto const failed = co_await coir::as_result(streams::fail_with<int>(err{1}) | streams::first());
        CHECK(failed.error() == err{1});
    });
}

TEST_CASE("first sees its element after the stream is closed [S10]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto close = finalizer(log);
        auto const n = co_await (counting(9) | streams::ensuring(close) | streams::first());
        CHECK(n == 0);
        log.push_back("seen");
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends", "seen"});
}

TEST_CASE("into fills a queue, waits for room, and leaves it open [S14]") {
    test_scheduler s;
    s.run([]() -> task<> {
        coir::queue<long> q{coir::bounded(2)};
        std::size_t pushed = 0;
        auto feed = [&]() -> task<> { pushed = co_await (streams::iota(0, 5) | streams::into(q)); };
        auto const f = fork(feed);
        co_await sleep_for(1ms);
        CHECK(q.size() == 2);
        CHECK(pushed == 0);
        auto const v = co_await (streams::from_queue(q) | streams::take(5) | streams::to_vector());
        CHECK(v == std::vector<long>{0, 1, 2, 3, 4});
        co_await f;
        CHECK(pushed == 5);
        CHECK_FALSE(q.is_closed());
    });
}

TEST_CASE("into stops and closes its stream when the queue is closed, and counts what was accepted") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto close = finalizer(log);
        coir::queue<int> q{coir::bounded(2)};
        auto feed = [&]() -> task<std::size_t> {
            co_return co_await (streams::iota(0) | streams::ensuring(close) | streams::into(q));
        };
        auto const f = fork(feed);
        co_await sleep_for(1ms);
        q.close();
        q.shutdown();
        std::size_t const before_the_end = co_await f;
        CHECK(before_the_end <= 3);
        coir::queue<int> small{coir::dropping(2)};
        std::size_t const accepted = co_await (streams::iota(0, 5) | streams::into(small));
        CHECK(accepted == 2);
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends"});
}

TEST_CASE("into with and_close ends the queue as the stream ends [S14]") {
    test_scheduler s;
    auto const drained = [](auto& q) { return coir::as_result(streams::from_queue(q) | streams::to_vector()); };
    numbers const both{0, 1};
    s.run([&]() -> task<> {
        auto const failing = [] { return streams::concat(streams::iota(0, 2), streams::fail_with<int>(err{4})); };
        coir::queue<int> a{coir::unbounded()};
        co_await (streams::iota(0, 2) | streams::into(a, streams::and_close));
        auto const of_a = co_await drained(a);
        CHECK(of_a.value() == both);
        coir::queue<int, err> b{coir::unbounded()};
        auto const r = co_await coir::as_result(failing() | streams::into(b, streams::and_close));
        CHECK(r.error() == err{4});
        auto const of_b = co_await drained(b);
        CHECK(of_b.error() == err{4});
        coir::queue<int> c{coir::unbounded()}; // cannot fail
        static_cast<void>(co_await coir::as_result(failing() | streams::into(c, streams::and_close)));
        auto const of_c = co_await drained(c);
        CHECK(of_c.value() == both);
        coir::queue<int> d{coir::unbounded()};
        auto never = [&]() -> task<> { co_await (streams::never_ends<int>() | streams::into(d, streams::and_close)); };
        auto const f = fork(never);
        co_await sleep_for(1ms);
        co_await f.interrupt();
        CHECK(d.is_closed());
        coir::queue<int> e{coir::unbounded()};
        co_await (streams::empty<int>() | streams::into(e, streams::and_close));
        CHECK(e.is_closed());
    });
}

TEST_CASE("elements that can only be moved go through every sequential stage") {
    auto const make = [](int n) { return heavy{n}; };
    auto const value = [](heavy const& h) { return h.value; };
    CHECK(numbers_of([&] {
              return streams::iota(0, 20) | streams::transform(make) |
                     streams::take_while([](heavy const& h) { return h.value < 15; }) |
                     streams::take_until([](heavy const& h) { return h.value == 13; }) | streams::drop(1) |
                     streams::drop_while([](heavy const& h) { return h.value < 3; }) |
                     streams::filter([](heavy const&) -> task<bool> { co_return true; }) | streams::changes(value) |
                     streams::flat_map([](heavy h) { return streams::once(std::move(h)); }) | streams::chunk(3) |
                     streams::join() | streams::enumerate() |
                     streams::transform([](std::pair<std::size_t, heavy> p) { return p.second.value; });
          }) == numbers{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13});
    test_scheduler s;
    s.run([&]() -> task<> {
        auto const one = co_await (streams::iota(4) | streams::transform(make) | streams::first());
        CHECK(one->value == 4);
        auto const last = co_await (streams::iota(0, 4) | streams::transform(make) | streams::last());
        CHECK(last->value == 3);
        auto const two = co_await (streams::concat(streams::once(heavy{1}), streams::once(heavy{2})) |
                                   streams::as_results() | streams::last());
        CHECK((**two).value == 2);
    });
}

TEST_CASE("sequential stages copy no element that they need not copy") {
    test_scheduler s;
    counted::reset();
    s.run([]() -> task<> {
        auto const yes = [](counted const&) { return true; };
        auto const no = [](counted const&) { return false; };
        co_await (streams::iota(0, 10) | streams::transform([](int n) { return counted{n}; }) |
                  streams::take_while(yes) | streams::take_until(no) | streams::drop(2) | streams::drop_while(no) |
                  streams::changes([](counted const& c) { return c.value; }) | streams::chunk(3) | streams::join() |
                  streams::flat_map([](counted c) { return streams::once(std::move(c)); }) | streams::as_results() |
                  streams::enumerate() | streams::drain());
    });
    CHECK(counted::copies() == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("what the function of a sequential stage throws is a defect, and the stream is closed [S10]") {
    test_scheduler s;
    entries log;
    auto close = finalizer(log);
    auto const boom = [](auto const&...) -> bool { throw std::runtime_error{"boom"}; };
    auto const sum = [](int, int) -> int { throw std::runtime_error{"boom"}; };
    auto const source = [&] { return counting(5) | streams::ensuring(close); };
    auto const check = [&](auto make) {
        auto const end = s.run([&]() -> task<> { co_await (make() | streams::drain()); });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "boom");
        CHECK(end.suppressed().empty());
        CHECK(log == entries{"finalizer begins", "finalizer ends"});
        log.clear();
    };
    check([&] { return source() | streams::take_while(boom); });
    check([&] { return source() | streams::take_until(boom); });
    check([&] { return source() | streams::drop_while(boom); });
    check([&] { return source() | streams::scan(0, sum); });
    check([&] { return source() | streams::changes(boom); });
    auto const make = [](int) -> stream<int> (*)() { throw std::runtime_error{"boom"}; };
    check([&] { return source() | streams::flat_map([make](int n) { return make(n)(); }); });
}

TEST_CASE("stages that drop let others run [E]") {
    test_scheduler s;
    auto const check = [&](auto make) {
        bool stop = false;
        s.run([&]() -> task<> {
            auto run = [&]() -> task<> { co_await (make([&stop](int) { return !stop; }) | streams::drain()); };
            auto const f = fork(run);
            co_await coir::yield();
            stop = true;
            co_await f;
        });
        CHECK(stop);
    };
    // Each would never end, or not for long, if it let nobody run.
    check([](auto go_on) { return streams::iota(0) | streams::drop_while(go_on) | streams::take(1); });
    check([](auto go_on) {
        return streams::forever([] { return streams::once(1); }) | streams::take_while(go_on) | streams::changes();
    });
    check([](auto go_on) {
        return streams::iota(0) | streams::flat_map([go_on](int n) {
                   return std::vector<int>(go_on(n) ? 0U : 1U, n); // one that is empty after the other
               }) |
               streams::take(1);
    });
    check([](auto go_on) {
        return streams::forever([go_on] { return streams::iota(0, go_on(0) ? 0 : 1); }) | streams::take(1);
    });
}

namespace {

// Pulls by hand until a function of upstream, which counts, has seen that others ran.
template <class Make>
bool lets_others_run(Make make) {
    test_scheduler s;
    bool others_ran = false;
    bool gave_up = false;
    int calls = 0;
    s.run([&]() -> task<> {
        auto other = [&]() -> task<> {
            others_ran = true;
            co_return;
        };
        fork(other);
        auto go_on = [&](int) {
            gave_up = ++calls == 100'000;
            return !gave_up && !others_ran;
        };
        auto body = [](auto& in) -> task<> {
            for (bool more = true; more;) {
                auto const element = co_await next(in);
                more = element.has_value();
            }
        };
        co_await coir::with_stream(make(streams::iota(0) | streams::take_while(coir::moved(go_on))), body);
    });
    return others_ran && !gave_up;
}

} // namespace

TEST_CASE("stages that gather let others run [E]") {
    CHECK(lets_others_run([](auto source) { return std::move(source) | streams::chunk(1'000'000'000); }));
    CHECK(lets_others_run([](auto source) {
        auto const nothing = [](int) { return std::string{}; };
        return std::move(source) | streams::transform(nothing) | streams::decode_utf8();
    }));
    CHECK(lets_others_run([](auto source) {
        auto const comment = [](int) { return std::string{":\n"}; };
        return std::move(source) | streams::transform(comment) | streams::server_sent_events() | streams::as_results();
    }));
}

TEST_CASE("a generator that yields all of nothing again and again lets others run [E]") {
    test_scheduler s;
    bool others_ran = false;
    int rounds = 0;
    s.run([&]() -> task<> {
        auto other = [&]() -> task<> {
            others_ran = true;
            co_return;
        };
        fork(other);
        auto generate = [&]() -> stream<int> {
            while (!others_ran && ++rounds != 100'000) {
                co_yield coir::elements_of(streams::empty<int>());
            }
        };
        auto body = [](auto& in) -> task<> { static_cast<void>(co_await next(in)); };
        co_await coir::with_stream(generate(), body);
    });
    CHECK(rounds < 100'000);
}

TEST_CASE("elements that cannot be assigned come out of sources and buffers") {
    auto const value = [](heavy h) { return h.value; };
    auto const make = [](int& n) {
        auto const one = [](int i) { return i < 3 ? std::optional<heavy>{std::in_place, i} : std::nullopt; };
        return one(++n);
    };
    CHECK(numbers_of([&] { return streams::unfold(0, make) | streams::transform(value); }) == numbers{1, 2});
    auto const make_later = [make](int& n) -> task<std::optional<heavy>> { co_return make(n); };
    CHECK(numbers_of([&] { return streams::unfold(0, make_later) | streams::transform(value); }) == numbers{1, 2});
    CHECK(numbers_of([&] { return streams::unfold(0, make) | streams::buffer(2) | streams::transform(value); }) ==
          numbers{1, 2});
    coir::queue<heavy> q{coir::unbounded()};
    q.try_push(heavy{4});
    q.close();
    CHECK(numbers_of([&] { return streams::from_queue(q) | streams::transform(value); }) == numbers{4});
    auto const listen = [](coir::emitter<heavy> to) {
        to.emit(heavy{5});
        to.end();
    };
    CHECK(numbers_of([&] {
              return streams::from_callback<heavy>(coir::bounded(2), listen) | streams::transform(value);
          }) == numbers{5});
    test_scheduler s;
    s.run([&]() -> task<> {
        auto const all = [](heavy const&) { return true; };
        auto sides = streams::unfold(0, make) | streams::partition(all);
        auto const seen = co_await (std::move(sides.matching) | streams::transform(value) | streams::to_vector());
        CHECK(seen == numbers{1, 2});
    });
}
