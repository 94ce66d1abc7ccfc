#include "input.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace chat {
namespace {

// The threads here leave signals to others: a handler must not interrupt them at odd moments.
void block_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

std::size_t cut_before_character(std::string_view text, std::size_t at) noexcept {
    std::size_t cut = at;
    while (cut > 0 && at - cut < 3 && (static_cast<unsigned char>(text[cut]) & 0xC0u) == 0x80u)
        --cut;
    return cut == 0 ? at : cut;
}

} // namespace

wake_pipe::wake_pipe() : fds_{-1, -1} {
    if (pipe2(fds_, O_CLOEXEC | O_NONBLOCK) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe");
    }
}

wake_pipe::~wake_pipe() {
    ::close(fds_[0]);
    ::close(fds_[1]);
}

void wake_pipe::wake() const noexcept {
    char const byte = 0;
    (void)!::write(fds_[1], &byte, 1); // a full pipe is awake already
}

input_source input_from(int fd, script fallback) {
    if (is_terminal(fd)) return {fd, {}};
    if (fcntl(fd, F_GETFD) < 0) return input_source(std::move(fallback));
    return {fd, std::move(fallback)};
}

bool is_terminal(int fd) noexcept { return isatty(fd) == 1; }

// What runs on the input's thread.
class input_thread::reader {
public:
    reader(input_source source, input_callbacks callbacks, int stop_fd)
        : source_(std::move(source)), callbacks_(std::move(callbacks)), stop_fd_(stop_fd) {}

    void run() {
        block_signals();
        if (source_.fd >= 0 && !read_lines()) return;
        if (!had_input_ && !play_script()) return;
        callbacks_.on_end();
    }

private:
    // False if stop() was called, true at the end of the input.
    bool read_lines() {
        char buffer[4096];
        while (!stopped(source_.fd, -1)) {
            ssize_t const count = ::read(source_.fd, buffer, sizeof buffer);
            if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (count <= 0) {
                deliver(std::exchange(line_, {}));
                return true;
            }
            take({buffer, static_cast<std::size_t>(count)});
        }
        return false;
    }

    bool play_script() {
        for (script_line& line : source_.otherwise) {
            if (stopped(-1, static_cast<int>(line.delay.count()))) return false;
            deliver(std::move(line.text));
        }
        return true;
    }

    // Waits until `fd` is readable or `timeout_ms` has passed; true if it was stopped instead.
    [[nodiscard]] bool stopped(int fd, int timeout_ms) const noexcept {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
        for (;;) {
            pollfd entries[] = {{stop_fd_, POLLIN, 0}, {fd, POLLIN, 0}};
            int const ready = poll(entries, 2, timeout_ms);
            if (ready >= 0 || errno != EINTR) return entries[0].revents != 0;
            if (timeout_ms < 0) continue;
            using std::chrono::milliseconds;
            auto const left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
            timeout_ms = static_cast<int>((std::max)(left, milliseconds(0)).count());
        }
    }

    void take(std::string_view bytes) {
        while (!bytes.empty()) {
            auto const end = bytes.find('\n');
            line_ += bytes.substr(0, end);
            while (line_.size() > max_input_bytes) {
                std::size_t const cut = cut_before_character(line_, max_input_bytes);
                deliver(line_.substr(0, cut));
                line_.erase(0, cut);
            }
            if (end == std::string_view::npos) return;
            deliver(std::exchange(line_, {}));
            bytes.remove_prefix(end + 1);
        }
    }

    void deliver(std::string line) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.find_first_not_of(" \t") == std::string::npos) return;
        had_input_ = true;
        callbacks_.on_line(std::move(line));
    }

    input_source source_;
    input_callbacks callbacks_;
    int stop_fd_;
    std::string line_;
    bool had_input_ = false;
};

input_thread::input_thread(input_source source, input_callbacks callbacks)
    : thread_([work = reader(std::move(source), std::move(callbacks), stop_.readable_fd())]() mutable { work.run(); }) {
}

input_thread::~input_thread() { stop(); }

void input_thread::stop() noexcept {
    stop_.wake();
    if (thread_.joinable()) thread_.join();
}

namespace {

// What the signal handler may touch. Lock-free atomics only.
std::atomic<int> interrupts{0};
std::atomic<int> interrupt_fd{-1};
static_assert(std::atomic<int>::is_always_lock_free);

struct sigaction previous_action;

extern "C" void handle_interrupt(int) {
    constexpr int exit_interrupted = 130;
    if (interrupts.fetch_add(1) > 0) _exit(exit_interrupted);
    int const saved = errno;
    char const interrupted = 1;
    (void)!::write(interrupt_fd.load(), &interrupted, 1);
    errno = saved;
}

} // namespace

interrupt_signal::interrupt_signal(std::function<void()> on_interrupt)
    : on_interrupt_(std::move(on_interrupt)), thread_([this] {
          block_signals();
          pollfd entry{pipe_.readable_fd(), POLLIN, 0};
          while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
          }
          char interrupted = 0;
          if (::read(pipe_.readable_fd(), &interrupted, 1) == 1 && interrupted == 1) on_interrupt_();
      }) {
    interrupts.store(0);
    interrupt_fd.store(pipe_.writable_fd());
    struct sigaction action{};
    action.sa_handler = &handle_interrupt;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, &previous_action);
}

interrupt_signal::~interrupt_signal() {
    (void)sigaction(SIGINT, &previous_action, nullptr);
    interrupt_fd.store(-1);
    pipe_.wake(); // a zero byte: the thread ends without a call
    thread_.join();
}

} // namespace chat
