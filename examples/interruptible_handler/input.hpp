// Where the user's lines come from: a terminal, a pipe, or a script that plays a user. A thread waits
// for input and for the order to stop at once, so that no blocked read holds up the end of a program.
//
//   chat::interrupt_signal ctrl_c([&] { handler.interrupt(); });   // a second Ctrl-C exits at once
//   chat::input_thread input(chat::input_from(STDIN_FILENO, chat::builtin_script()),
//                            {.on_line = submit, .on_end = no_more});
#pragma once

#include "script.hpp"

#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace chat {

// A pipe to itself: a thread that polls it can be woken by another thread or a signal handler.
class wake_pipe {
public:
    wake_pipe(); // throws std::system_error
    ~wake_pipe();
    wake_pipe(wake_pipe const&) = delete;
    wake_pipe& operator=(wake_pipe const&) = delete;

    void wake() const noexcept; // async-signal-safe
    [[nodiscard]] int readable_fd() const noexcept { return fds_[0]; }
    [[nodiscard]] int writable_fd() const noexcept { return fds_[1]; }

private:
    int fds_[2];
};

// What to read. Without lines from `fd`, the script `otherwise` is played.
struct input_source {
    explicit input_source(script played) : otherwise(std::move(played)) {}
    input_source(int from, script played) : fd(from), otherwise(std::move(played)) {}

    int fd = -1; // -1: only the script
    script otherwise;
};

// Reads `fd`. If it is no terminal and ends before its first line, as /dev/null, a closed descriptor
// or an empty file does, `fallback` is played. A pipe that stays open and silent is waited for.
[[nodiscard]] input_source input_from(int fd, script fallback);

[[nodiscard]] bool is_terminal(int fd) noexcept;

// Called on the input's thread. A callback that blocks delays the lines behind it, and stop().
struct input_callbacks {
    std::function<void(std::string line)> on_line; // without its line end; never empty
    std::function<void()> on_end;                  // no line follows; not called after stop()
};

// Lines longer than max_input_bytes arrive in pieces of that size, cut between UTF-8 characters, so
// that nothing typed is lost. Lines of nothing but blanks are skipped.
class input_thread {
public:
    input_thread(input_source source, input_callbacks callbacks);
    ~input_thread(); // as stop()
    input_thread(input_thread const&) = delete;
    input_thread& operator=(input_thread const&) = delete;

    // Returns when the thread has ended: at once, unless a callback is running. Idempotent.
    // Not from a callback.
    void stop() noexcept;

private:
    class reader;
    wake_pipe stop_;
    std::thread thread_;
};

// While it exists, the first SIGINT calls `on_interrupt`, on a thread of its own, and the second ends
// the process at once with status 130. Only one may exist at a time.
class interrupt_signal {
public:
    explicit interrupt_signal(std::function<void()> on_interrupt);
    ~interrupt_signal(); // what SIGINT did before is restored
    interrupt_signal(interrupt_signal const&) = delete;
    interrupt_signal& operator=(interrupt_signal const&) = delete;

private:
    wake_pipe pipe_;
    std::function<void()> on_interrupt_;
    std::thread thread_;
};

} // namespace chat
