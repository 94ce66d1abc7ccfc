// Every schedule of a callback, of its registration's end and of what completes the deferred.
#include "fiber_model.hpp"

#include <coir/detail/attachment.hpp>
#include <coir/detail/registration.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <iostream>
#include <string_view>

namespace {

using scenario::answer;
using scenario::cell;

void explore(std::string_view what, std::size_t bound, const std::function<void(model::run&)>& scene) {
    const auto preemptions = model::bound_or(bound);
    for (const std::size_t deviations : {0U, 1U}) {
        const auto result = model::explore({.preemptions = preemptions - deviations, .deviations = deviations}, scene);
        std::cout << what << ": " << result.schedules() << " schedules up to " << preemptions - deviations
                  << " preemptions and " << deviations << " deviations\n";
        INFO(result.text());
        CHECK(result.complete);
        CHECK_FALSE(result.failure);
    }
}

void start_program() { model::per_thread(coir::detail::this_worker()); }

void completes(model::run& run, cell* d) {
    run.thread("completer", [=] { static_cast<void>(d->complete(coir::in_place_success, answer)); });
}

/// A callback that counts, in memory that goes with its owner: a call that is late is found as a
/// use after free, one that is not awaited as a data race.
struct owner {
    struct count {
        owner* of;
        void operator()(bool) const noexcept { ++of->calls; }
    };
    explicit owner(cell& d) : link(d.waiters(), count{this}) {}

    int calls = 0;
    coir::registration<count> link;
};

/// The same, attached to something that closes and then goes.
struct attached {
    struct count {
        attached* of;
        void operator()() const noexcept { ++of->calls; }
    };
    explicit attached(coir::detail::callback_list& to) : link(to, count{this}) {}

    int calls = 0;
    coir::attachment<count> link;
};

void closes(model::run& run, coir::detail::callback_list* list) {
    run.thread("end", [=] {
        list->close();
        const model::no_waiting nobody_is_inside;
        delete list;
    });
}

} // namespace

TEST_CASE("a callback against the end of its registration: called before it, or never") {
    explore("callback/dropped/complete", 6, [](model::run& run) {
        start_program();
        auto* const d = new cell;
        auto* const who = new owner(*d);
        run.thread("owner", [=] { delete who; });
        completes(run, d);
        run.finally([=] { delete d; });
    });
}

TEST_CASE("a callback registered while the deferred completes is called once") {
    explore("callback/registered/complete", 6, [](model::run& run) {
        start_program();
        auto* const d = new cell;
        auto* const place = new owner* {nullptr};
        run.thread("owner", [=] { *place = new owner(*d); });
        completes(run, d);
        run.finally([=] {
            MODEL_ASSERT((*place)->calls == 1, "a callback is called once");
            delete *place;
            delete place;
            delete d;
        });
    });
}

TEST_CASE("a callback drops another one, which its owner drops too late, or whose turn has come [F25]") {
    // The first callback and a third thread both want to end the second registration.
    struct drops {
        coir::detail::atomic<owner*>* second;
        void operator()(bool) const noexcept { delete second->exchange(nullptr); }
    };
    explore("callback/drops another/complete", 5, [](model::run& run) {
        start_program();
        auto* const d = new cell;
        auto* const second = new coir::detail::atomic<owner*>{nullptr};
        auto* const first = new coir::registration<drops>(d->waiters(), drops{second});
        second->store(new owner(*d));
        run.thread("owner", [=] { delete second->exchange(nullptr); });
        completes(run, d);
        run.finally([=] {
            delete first;
            delete second;
            delete d;
        });
    });
}

TEST_CASE("two registrations end while they are notified: neither waits for ever, neither is called late") {
    explore("two callbacks/dropped/dropped/complete", 3, [](model::run& run) {
        start_program();
        auto* const d = new cell;
        auto* const first = new owner(*d);
        auto* const second = new owner(*d);
        run.thread("owner 1", [=] { delete first; });
        run.thread("owner 2", [=] { delete second; });
        completes(run, d);
        run.finally([=] { delete d; });
    });
}

TEST_CASE("a callback destroys its own registration while another thread completes once more") {
    struct ends_itself {
        coir::detail::atomic<coir::registration<ends_itself>*>* mine;
        void operator()(bool) noexcept { delete mine->exchange(nullptr); }
    };
    explore("callback/ends itself/complete/complete", 5, [](model::run& run) {
        start_program();
        auto* const d = new cell;
        auto* const mine = new coir::detail::atomic<coir::registration<ends_itself>*>{nullptr};
        mine->store(new coir::registration<ends_itself>(d->waiters(), ends_itself{mine}));
        completes(run, d);
        completes(run, d);
        run.finally([=] {
            MODEL_ASSERT(mine->load() == nullptr, "the callback was called");
            delete mine;
            delete d;
        });
    });
}

TEST_CASE("a registration ends while the unfinished deferred does [D32]") {
    explore("callback/dropped/abandon", 6, [](model::run& run) {
        start_program();
        auto* const d = new cell;
        auto* const who = new owner(*d);
        run.thread("owner", [=] { delete who; });
        run.thread("end", [=] { delete d; });
    });
}

TEST_CASE("what is attached is detached while that closes and goes [D36]") {
    explore("attached/detached/closed", 6, [](model::run& run) {
        start_program();
        auto* const list = new coir::detail::callback_list;
        auto* const who = new attached(*list);
        run.thread("owner", [=] { delete who; });
        closes(run, list);
    });
    explore("attached/attached/detached/detached/closed", 3, [](model::run& run) {
        start_program();
        auto* const list = new coir::detail::callback_list;
        auto* const first = new attached(*list);
        auto* const second = new attached(*list);
        run.thread("owner 1", [=] { delete first; });
        run.thread("owner 2", [=] { delete second; });
        closes(run, list);
    });
}

TEST_CASE("what is attached to something that just closes is called once [D36]") {
    explore("attaches/closed", 6, [](model::run& run) {
        start_program();
        auto* const list = new coir::detail::callback_list;
        auto* const place = new attached* {nullptr};
        run.thread("owner", [=] { *place = new attached(*list); });
        run.thread("end", [=] { list->close(); });
        run.finally([=] {
            MODEL_ASSERT((*place)->calls == 1, "a callback is called once");
            delete list;
            delete *place;
            delete place;
        });
    });
}

TEST_CASE("what is attached detaches another, whose owner does it too [D36]") {
    struct detaches {
        coir::detail::atomic<attached*>* second;
        void operator()() const noexcept { delete second->exchange(nullptr); }
    };
    explore("attached/detaches another/closed", 5, [](model::run& run) {
        start_program();
        auto* const list = new coir::detail::callback_list;
        auto* const second = new coir::detail::atomic<attached*>{nullptr};
        auto* const first = new coir::attachment<detaches>(*list, detaches{second});
        second->store(new attached(*list));
        run.thread("owner", [=] { delete second->exchange(nullptr); });
        closes(run, list);
        run.finally([=] {
            delete first;
            delete second;
        });
    });
}
