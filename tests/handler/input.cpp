// Lines from pipes, terminals and scripts, Ctrl-C, and an end that no blocked read holds up.
#include "input.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <pty.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace chat;
using namespace std::chrono_literals;

// Collects what an input_thread delivers.
class collector {
public:
    input_callbacks callbacks() {
        input_callbacks result;
        result.on_line = [this](std::string line) {
            std::lock_guard const lock(mutex_);
            lines_.push_back(std::move(line));
            changed_.notify_all();
        };
        result.on_end = [this] {
            std::lock_guard const lock(mutex_);
            ended_ = true;
            changed_.notify_all();
        };
        return result;
    }

    [[nodiscard]] bool wait_for_lines(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] { return lines_.size() >= count; });
    }
    [[nodiscard]] bool wait_for_end() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] { return ended_; });
    }
    [[nodiscard]] std::vector<std::string> lines() {
        std::lock_guard const lock(mutex_);
        return lines_;
    }
    [[nodiscard]] bool ended() {
        std::lock_guard const lock(mutex_);
        return ended_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> lines_;
    bool ended_ = false;
};

class pipe_pair {
public:
    pipe_pair() { (void)!pipe2(fds_, O_CLOEXEC); }
    ~pipe_pair() {
        close(fds_[0]);
        finish();
    }
    pipe_pair(pipe_pair const&) = delete;
    pipe_pair& operator=(pipe_pair const&) = delete;

    [[nodiscard]] int reader() const { return fds_[0]; }
    void put(std::string_view bytes) const {
        while (!bytes.empty()) {
            ssize_t const count = write(fds_[1], bytes.data(), bytes.size());
            REQUIRE(count > 0);
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    void finish() {
        if (fds_[1] >= 0) close(fds_[1]);
        fds_[1] = -1;
    }

private:
    int fds_[2] = {-1, -1};
};

using strings = std::vector<std::string>;

script played(char const* text) { return {{0ms, text}}; }

} // namespace

TEST_CASE("each line of a pipe is an input, however it is cut") {
    pipe_pair pipe;
    collector seen;
    input_thread input(input_from(pipe.reader(), played("unused")), seen.callbacks());
    pipe.put("one\ntw");
    REQUIRE(seen.wait_for_lines(1));
    pipe.put("o\r\n\n  \nthree");
    pipe.finish();
    REQUIRE(seen.wait_for_end());
    CHECK(seen.lines() == strings{"one", "two", "three"});
}

TEST_CASE("a source that ends before its first line plays the script") {
    collector seen;
    SECTION("/dev/null") {
        int const fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        input_thread input(input_from(fd, played("hello")), seen.callbacks());
        CHECK(seen.wait_for_end());
        close(fd);
    }
    SECTION("an empty pipe") {
        pipe_pair pipe;
        pipe.finish();
        input_thread input(input_from(pipe.reader(), played("hello")), seen.callbacks());
        CHECK(seen.wait_for_end());
    }
    SECTION("a closed descriptor") {
        input_thread input(input_from(9'999, played("hello")), seen.callbacks());
        CHECK(seen.wait_for_end());
    }
    SECTION("nothing at all") {
        input_thread input(input_source(played("hello")), seen.callbacks());
        CHECK(seen.wait_for_end());
    }
    CHECK(seen.lines() == strings{"hello"});
}

TEST_CASE("a terminal is read line by line and plays no script") {
    int primary = -1;
    int secondary = -1;
    REQUIRE(openpty(&primary, &secondary, nullptr, nullptr, nullptr) == 0);
    CHECK(is_terminal(secondary));
    collector seen;
    {
        input_thread input(input_from(secondary, played("unused")), seen.callbacks());
        std::string_view const typed = "hi\n\x04"; // Ctrl-D
        CHECK(write(primary, typed.data(), typed.size()) == 4);
        CHECK(seen.wait_for_end());
    }
    CHECK(seen.lines() == strings{"hi"});
    close(primary);
    close(secondary);
}

TEST_CASE("stop ends a blocked read and a waiting script at once") {
    collector seen;
    pipe_pair pipe;
    SECTION("a silent pipe") {
        input_thread input(input_from(pipe.reader(), {}), seen.callbacks());
        input.stop();
        input.stop();
        CHECK(seen.lines().empty());
        CHECK_FALSE(seen.ended());
    }
    SECTION("a script with an hour to wait") {
        input_thread input(input_source(script{{3'600'000ms, "late"}}), seen.callbacks());
        input.stop();
        CHECK(seen.lines().empty());
        CHECK_FALSE(seen.ended());
    }
}

TEST_CASE("a line without end arrives in bounded pieces and nothing is lost") {
    pipe_pair pipe;
    collector seen;
    input_thread input(input_from(pipe.reader(), {}), seen.callbacks());
    std::string text = "x";
    while (text.size() < 200'000)
        text += "\u20ac";
    pipe.put(text + "\nnext\n");
    pipe.finish();
    REQUIRE(seen.wait_for_end());
    strings const lines = seen.lines();
    REQUIRE(lines.size() == 5);
    CHECK(lines.back() == "next");
    std::string joined;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        CHECK(lines[i].size() <= max_input_bytes);
        CHECK((static_cast<unsigned char>(lines[i][0]) & 0xC0u) != 0x80u);
        joined += lines[i];
    }
    CHECK(joined == text);
}

TEST_CASE("the first Ctrl-C is reported") {
    std::mutex mutex;
    std::condition_variable changed;
    int calls = 0;
    {
        interrupt_signal const ctrl_c([&] {
            std::lock_guard const lock(mutex);
            ++calls;
            changed.notify_all();
        });
        REQUIRE(raise(SIGINT) == 0);
        std::unique_lock lock(mutex);
        CHECK(changed.wait_for(lock, 20s, [&] { return calls == 1; }));
    }
    CHECK(calls == 1);
}

TEST_CASE("without Ctrl-C nothing is reported, and what it did before is restored") {
    int calls = 0;
    struct sigaction before{};
    sigaction(SIGINT, nullptr, &before);
    {
        interrupt_signal const ctrl_c([&] { ++calls; });
    }
    struct sigaction after{};
    sigaction(SIGINT, nullptr, &after);
    CHECK(calls == 0);
    CHECK(before.sa_handler == after.sa_handler);
}

TEST_CASE("the second Ctrl-C exits at once with 130") {
    pid_t const child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        interrupt_signal const ctrl_c([] { pause(); }); // an orderly end that never comes
        raise(SIGINT);
        raise(SIGINT);
        _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 130);
}
