// With COIR_CHECKED, misuse ends the program with one line. Each misuse runs in a child process.
#include <coir/deferred.hpp>
#include <coir/runtime/sync_wait.hpp>
#include <coir/stream.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <coroutine>
#include <csignal>
#include <functional>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace {

// What `misuse` writes to stderr before it aborts; empty if it does not abort.
template <class F>
std::string last_words(F misuse) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL); // not the test framework's
        ::dup2(ends[1], STDERR_FILENO);
        misuse();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    std::array<char, 256> part{};
    for (ssize_t n = 0; (n = ::read(ends[0], part.data(), part.size())) > 0;) {
        said.append(part.data(), static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    int how = 0;
    REQUIRE(::waitpid(child, &how, 0) == child);
    return WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT ? said : std::string();
}

coir::task<int> answer() { co_return 42; }

coir::task<int> awaits_twice() {
    auto t = answer();
    int const first = co_await std::move(t);
    co_return first + co_await std::move(t);
}

coir::task<> never_ending() { co_await coir::sleep_for(std::chrono::hours{1}); }

coir::task<> destroys_what_is_being_completed() {
    auto d = std::make_unique<coir::deferred<>>();
    auto completer = coir::fork([&]() -> coir::task<> { static_cast<void>(co_await d->complete(never_ending)); });
    co_await coir::yield();
    d.reset();
    co_await completer;
}

coir::stream<int> numbers() { co_yield 1; }

coir::task<int> pulls_what_was_moved(bool erased) {
    coir::stream<int> given = numbers();
    if (erased) {
        coir::stream<int> taken = numbers() | coir::streams::take(1);
        coir::stream<int> const elsewhere = std::move(taken);
        co_return co_await (std::move(taken) | coir::streams::fold(0, std::plus{}));
    }
    coir::stream<int> const elsewhere = std::move(given);
    co_return co_await (std::move(given) | coir::streams::fold(0, std::plus{}));
}

coir::task<int> pulls_on_after_the_end() {
    auto body = [](auto& in) -> coir::task<int> {
        int sum = 0;
        while (auto n = co_await next(in)) {
            sum += *n;
        }
        auto const again = co_await next(in);
        co_return again ? -1 : sum;
    };
    co_return co_await coir::with_stream(numbers(), body);
}

// A foreign awaitable that does this with its handle.
struct foreign {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) const {
        misuse(h);
        return false;
    }
    void await_resume() const noexcept {}
    void (*misuse)(std::coroutine_handle<>);
};

coir::task<> awaits(foreign f) { co_await f; }

} // namespace

TEST_CASE("a foreign awaitable that destroys its handle, or resumes it twice, is reported") {
    auto const destroys = [](std::coroutine_handle<> h) { h.destroy(); };
    CHECK_THAT(last_words([&] { coir::sync_wait(awaits(foreign{destroys})); }),
               Catch::Contains("destroyed the coroutine that awaits it"));
    auto const resumes = [](std::coroutine_handle<> h) {
        h.resume();
        h.resume();
    };
    CHECK_THAT(last_words([&] { coir::sync_wait(awaits(foreign{resumes})); }),
               Catch::Contains("resumed a coroutine twice"));
}

TEST_CASE("a task that is awaited twice is reported") {
    CHECK_THAT(last_words([] { coir::sync_wait(awaits_twice); }), Catch::Contains("awaited before"));
}

TEST_CASE("a deferred that dies while it is being completed is reported") {
    CHECK_THAT(last_words([] { coir::sync_wait(destroys_what_is_being_completed); }),
               Catch::Contains("while it was being completed"));
}

TEST_CASE("a stream that is pulled after it was moved from is reported") {
    bool const erased = GENERATE(false, true);
    CHECK_THAT(last_words([erased] { coir::sync_wait(pulls_what_was_moved(erased)); }),
               Catch::Contains("had been moved from"));
    CHECK(coir::sync_wait(pulls_on_after_the_end).value() == 1);
}

TEST_CASE("correct use is not") { CHECK(coir::sync_wait(answer).value() == 42); }
