#include "support/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace chat::testing {
namespace {

using std::chrono::steady_clock;

struct two_ends {
    two_ends() {
        if (pipe2(fds, O_CLOEXEC) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe2");
        }
    }
    int fds[2] = {-1, -1};
};

void close_if_open(int& fd) {
    if (fd != -1) {
        close(fd);
        fd = -1;
    }
}

// Appends what is there; closes at the end.
void drain(int& fd, std::string& into) {
    char bytes[4096];
    ssize_t const n = read(fd, bytes, sizeof bytes);
    if (n > 0) {
        into.append(bytes, static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
        close_if_open(fd);
    }
}

} // namespace

child_process::child_process(std::vector<std::string> const& arguments) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    start(arguments, null);
    close_if_open(null);
}

child_process::child_process(std::vector<std::string> const& arguments, std::string_view typed, bool keep_open) {
    std::signal(SIGPIPE, SIG_IGN); // the child may end before it has read everything
    two_ends in;
    start(arguments, in.fds[0]);
    close_if_open(in.fds[0]);
    in_ = in.fds[1];
    type(typed);
    if (!keep_open) {
        close_if_open(in_);
    }
}

child_process::~child_process() {
    if (pid_ != -1) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    close_if_open(in_);
    close_if_open(out_);
    close_if_open(err_);
}

void child_process::start(std::vector<std::string> const& arguments, int in) {
    two_ends out;
    two_ends err;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out.fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err.fds[1], STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string const& a : arguments) {
        argv.push_back(const_cast<char*>(a.c_str()));
    }
    argv.push_back(nullptr);
    int const error = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close_if_open(out.fds[1]);
    close_if_open(err.fds[1]);
    out_ = out.fds[0];
    err_ = err.fds[0];
    if (error != 0) {
        throw std::system_error(error, std::generic_category(), arguments[0]);
    }
}

void child_process::type(std::string_view text) const {
    if (write(in_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("the child does not read");
    }
}

void child_process::send(int signal) const { kill(pid_, signal); }

bool child_process::read_more(steady_clock::time_point limit) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - steady_clock::now());
    pollfd fds[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}}; // poll() skips the closed, -1
    if ((out_ == -1 && err_ == -1) || left.count() <= 0 || poll(fds, 2, static_cast<int>(left.count())) <= 0) {
        return false;
    }
    if (fds[0].revents != 0) {
        drain(out_, result_.out);
    }
    if (fds[1].revents != 0) {
        drain(err_, result_.err);
    }
    return true;
}

bool child_process::wait_for_output(std::string_view text, std::chrono::seconds limit) {
    auto const end = steady_clock::now() + limit;
    while (result_.out.find(text) == std::string::npos) {
        if (!read_more(end)) {
            return false;
        }
    }
    return true;
}

ended child_process::wait(std::chrono::seconds limit) {
    auto const end = steady_clock::now() + limit;
    while (read_more(end)) {
    }
    result_.hung = out_ != -1 || err_ != -1;
    if (result_.hung) {
        kill(pid_, SIGKILL);
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    result_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result_;
}

} // namespace chat::testing
