// Every sequential operator over a stream that ends in each possible way: what came before is
// delivered, all finalizers run once, inner ones first, and the end is that of the source.
#include "endings.hpp"

#include <coir/schedule.hpp>

using namespace stream_test;

namespace {

auto const yes = [](int) { return true; };
auto const no = [](int) { return false; };
auto const yes_later = [](int) -> task<bool, err> {
    co_await coir::yield();
    co_return true;
};
auto const second = [](auto const& numbered) { return numbered.second; };

// `op` passes all elements of the source on.
template <class Op>
void check_all_endings(Op op) {
    for (how const ending : all_endings) {
        INFO("ending " << static_cast<int>(ending));
        test_scheduler s;
        entries log;
        s.run([&]() -> task<> { co_await run_to_its_end(op(fused(ending, log)), ending, log); });
        entries expected{"1", "2"};
        if (ending == how::end) {
            expected.push_back("3");
        }
        for (auto const* what : {"source begins", "source ends", "outer begins", "outer ends", "seen"}) {
            expected.push_back(what);
        }
        CHECK(log == expected);
    }
}

} // namespace

TEST_CASE("stages that pass a part end as their source does [S4][S6][S7][S10]") {
    SECTION("take_while") {
        check_all_endings([](auto s) { return std::move(s) | streams::take_while(yes); });
    }
    SECTION("take_until") {
        check_all_endings([](auto s) { return std::move(s) | streams::take_until(no); });
    }
    SECTION("drop") {
        check_all_endings([](auto s) { return std::move(s) | streams::drop(0); });
    }
    SECTION("drop_while") {
        check_all_endings([](auto s) { return std::move(s) | streams::drop_while(no); });
    }
    SECTION("filter with a task") {
        check_all_endings([](auto s) { return std::move(s) | streams::filter(yes_later); });
    }
    SECTION("changes") {
        check_all_endings([](auto s) { return std::move(s) | streams::changes(); });
    }
}

TEST_CASE("stages that make other elements end as their source does [S7][S10][S30]") {
    SECTION("scan") {
        check_all_endings(
            [](auto s) { return std::move(s) | streams::scan(0, [](int, int x) { return x; }) | streams::drop(1); });
    }
    SECTION("enumerate") {
        check_all_endings([](auto s) { return std::move(s) | streams::enumerate() | streams::transform(second); });
    }
    SECTION("chunk") {
        check_all_endings([](auto s) { return std::move(s) | streams::chunk(1) | streams::join(); });
    }
    SECTION("adjacent") {
        check_all_endings([](auto s) {
            return streams::concat(streams::once(0), std::move(s)) | streams::adjacent() | streams::transform(second);
        });
    }
}

TEST_CASE("streams in sequence end as the one that runs does [S7][S9][S10][S11]") {
    SECTION("concat, as the first") {
        check_all_endings([](auto s) { return streams::concat(std::move(s), streams::empty<int>()); });
    }
    SECTION("concat, as the second") {
        check_all_endings([](auto s) { return streams::concat(streams::empty<int>(), std::move(s)); });
    }
    SECTION("concat, in the middle of three, of another element type") {
        check_all_endings(
            [](auto s) { return streams::concat(streams::empty<short>(), std::move(s), streams::empty<int>()); });
    }
    SECTION("flat_map, as the outer one") {
        check_all_endings(
            [](auto s) { return std::move(s) | streams::flat_map([](int x) { return streams::once(x); }); });
    }
    SECTION("flat_map, as the outer one, with ranges") {
        check_all_endings(
            [](auto s) { return std::move(s) | streams::flat_map([](int x) { return std::vector<int>(1, x); }); });
    }
    SECTION("flat_map, as the inner one") {
        check_all_endings([](auto s) {
            auto inner = [held = std::move(s)](int) mutable { return std::move(held); };
            return streams::once(0) | streams::flat_map(coir::moved(inner));
        });
    }
    SECTION("join") {
        check_all_endings([](auto s) { return streams::once(std::move(s)) | streams::join(); });
    }
    SECTION("a pipeline that has the ways in all of them") {
        check_all_endings([](auto s) {
            return streams::concat(streams::empty<int>(), streams::once(std::move(s)) | streams::join()) |
                   streams::flat_map([](int x) { return streams::once(x); });
        });
    }
}

TEST_CASE("stages about failure end as their source does if it does not fail, or fails anew [S7][S8][S10]") {
    SECTION("or_else") {
        check_all_endings(
            [](auto s) { return std::move(s) | streams::or_else([](err e) { return streams::fail_with<int>(e); }); });
    }
    SECTION("or_else, as the second stream") {
        check_all_endings([](auto s) {
            auto other = [held = std::move(s)](err) mutable { return std::move(held); };
            return streams::fail_with<int>(err{7}) | streams::or_else(coir::moved(other));
        });
    }
    SECTION("transform_error") {
        check_all_endings([](auto s) {
            return std::move(s) | streams::transform_error([](err e) { return e.code; }) |
                   streams::transform_error([](int code) { return err{code}; });
        });
    }
    SECTION("as_results") {
        auto const give = [](coir::result<int, err> r) -> task<int, err> {
            if (!r) {
                co_await coir::fail<err>(r.error());
            }
            co_return *r;
        };
        check_all_endings([give](auto s) { return std::move(s) | streams::as_results() | streams::transform(give); });
    }
    SECTION("on_exit") {
        check_all_endings([](auto s) {
            return std::move(s) | streams::on_exit([](coir::outcome<void, err> const&) -> task<> { co_return; });
        });
    }
    SECTION("retry, of the last attempt") {
        check_all_endings([](auto s) {
            auto only = [held = std::move(s)]() mutable { return std::move(held); };
            return streams::retry(coir::moved(only), coir::recurs(0));
        });
    }
    SECTION("retry_if_nothing_emitted") {
        check_all_endings([](auto s) {
            auto only = [held = std::move(s)]() mutable { return std::move(held); };
            return streams::retry_if_nothing_emitted(coir::moved(only), coir::recurs(9));
        });
    }
    SECTION("repeat, of the last time") {
        check_all_endings([](auto s) {
            auto only = [held = std::move(s)]() mutable { return std::move(held); };
            return streams::repeat(coir::moved(only), coir::recurs(0));
        });
    }
    SECTION("acquire_release around it") {
        check_all_endings([](auto s) {
            auto acquire = [held = std::move(s)]() mutable -> task<decltype(s)> { co_return std::move(held); };
            auto release = [](auto&) -> task<> { co_await coir::yield(); };
            return streams::acquire_release(coir::moved(acquire), release) |
                   streams::flat_map([](auto source) { return std::move(source.get()); });
        });
    }
}
