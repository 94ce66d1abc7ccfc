// Every stage that owns fibers, interrupted at every step and at every call of the scheduler.
#include "everywhere_support.hpp"

using namespace stream_test;
using streams::ends_with;

TEST_CASE("merge interrupted everywhere [S23][I1][X22]") {
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 2)) | streams::merge(closed_by(b, guarded_source(b, 3))) |
               streams::drain();
    });
}

TEST_CASE("merge that ends early or fails, interrupted everywhere [S25][S26]") {
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 1)) |
               streams::merge(closed_by(b, guarded_source(b, 9)), ends_with::either) | streams::drain();
    });
    everywhere([](ledger& b) -> task<> {
        auto fails = []() -> stream<int, err> {
            co_await sleep_for(2ms);
            co_await coir::fail<err>(1);
            co_yield 0;
        };
        co_await coir::as_result(closed_by(b, guarded_source(b, 9)) | streams::merge(closed_by(b, fails())) |
                                 streams::drain());
    });
}

TEST_CASE("merge of synchronous sources with a consumer that waits, interrupted everywhere [S27]") {
    everywhere([](ledger& b) {
        auto work = [&b](int) -> task<> { co_await b.guarded(coir::yield()); };
        return streams::merge(closed_by(b, counting(3)), closed_by(b, counting(3)), counting(2)) | streams::take(5) |
               streams::for_each(work);
    });
}

TEST_CASE("merge within merge, stopped by a signal, interrupted everywhere [X1][X22]") {
    everywhere([](ledger& b) -> task<> {
        deferred<> stop;
        fork(after, 3ms, &stop);
        co_await (closed_by(b, closed_by(b, guarded_source(b, 9)) | streams::merge(counting(2))) |
                  streams::merge(closed_by(b, guarded_source(b, 9))) | streams::interrupt_when(stop) |
                  streams::drain());
    });
}

TEST_CASE("zip and zip_latest interrupted everywhere [S28][S29]") {
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 2)) | streams::zip(closed_by(b, guarded_source(b, 3))) | streams::drain();
    });
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 2)) | streams::zip_latest(closed_by(b, guarded_source(b, 2))) |
               streams::drain();
    });
}

TEST_CASE("buffers of each kind interrupted everywhere [S31][S32]") {
    for (auto const capacity : {coir::bounded(0), coir::bounded(2), coir::sliding(1), coir::dropping(1)}) {
        everywhere([capacity](ledger& b) {
            auto work = [&b](int) -> task<> { co_await b.guarded(coir::yield()); };
            return closed_by(b, counting(4)) | streams::buffer(capacity) | streams::for_each(work);
        });
    }
    everywhere([](ledger& b) {
        return closed_by(b, closed_by(b, guarded_source(b, 3)) | streams::buffer(1)) | streams::take(2) |
               streams::drain();
    });
}

TEST_CASE("transform_par of both kinds interrupted everywhere [S23]") {
    everywhere([](ledger& b) {
        auto work = [&b](int n) -> task<int> {
            co_await b.guarded(sleep_for(std::chrono::milliseconds{3 - n % 3}));
            co_return n;
        };
        return closed_by(b, counting(4)) | streams::transform_par(2, work) | streams::drain();
    });
    everywhere([](ledger& b) {
        auto work = [&b](int n) -> task<int> {
            co_await b.guarded(coir::yield());
            co_return n;
        };
        return closed_by(b, guarded_source(b, 2)) | streams::transform_par_unordered(3, work) | streams::take(2) |
               streams::drain();
    });
}

TEST_CASE("transform_par of calls that fail, interrupted everywhere [S22]") {
    everywhere([](ledger& b) -> task<> {
        auto work = [&b](int n) -> task<int, err> {
            co_await b.guarded(sleep_for(1ms));
            if (n == 2) {
                co_await coir::fail<err>(n);
            }
            co_return n;
        };
        co_await coir::as_result(closed_by(b, counting(4)) | streams::transform_par(2, work) | streams::drain());
    });
}

TEST_CASE("switch_map interrupted everywhere [X35]") {
    everywhere([](ledger& b) {
        auto inner = [&b](int) { return closed_by(b, guarded_source(b, 2)); };
        return closed_by(b, guarded_source(b, 2)) | streams::switch_map(inner) | streams::drain();
    });
    everywhere([](ledger& b) {
        auto inner = [&b](int) { return closed_by(b, counting(3)); };
        auto work = [&b](int) -> task<> { co_await b.guarded(sleep_for(2ms)); };
        return closed_by(b, guarded_source(b, 2)) | streams::switch_map(inner) | streams::for_each(work);
    });
}

TEST_CASE("flat_map of several streams interrupted everywhere [S37]") {
    everywhere([](ledger& b) {
        auto inner = [&b](int n) { return closed_by(b, guarded_source(b, n % 3)); };
        return closed_by(b, counting(3)) | streams::flat_map(2, inner) | streams::drain();
    });
    everywhere([](ledger& b) {
        auto inner = [&b](int) { return closed_by(b, counting(2)); };
        auto work = [&b](int) -> task<> { co_await b.guarded(coir::yield()); };
        return closed_by(b, guarded_source(b, 3)) | streams::flat_map(2, inner) | streams::take(3) |
               streams::for_each(work);
    });
}
