#include "server_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chat::detail {
namespace {

// The events that hold within `timeout`; 0 if none does.
short wait_for(int fd, short events, std::chrono::milliseconds timeout) noexcept {
    pollfd entry{fd, events, 0};
    int ready = 0;
    do {
        ready = poll(&entry, 1, static_cast<int>(timeout.count()));
    } while (ready < 0 && errno == EINTR);
    return ready > 0 ? entry.revents : short{0};
}

} // namespace

bool server_socket::is_readable() const {
    if (begin_ != end_) return true;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - clock::now());
    return left.count() > 0 && wait_for(fd_, POLLIN, left) != 0;
}

bool server_socket::is_writable() const {
    short const events = wait_for(fd_, POLLOUT | POLLRDHUP, timeout_);
    return events != 0 && (events & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

bool server_socket::fill() {
    if (bytes_left_ == 0 || !is_readable()) return false;
    ssize_t count = 0;
    do {
        count = recv(fd_, buffer_.data(), (std::min)(buffer_.size(), bytes_left_), 0);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return false;
    begin_ = 0;
    end_ = static_cast<std::size_t>(count);
    bytes_left_ -= end_;
    return true;
}

ssize_t server_socket::read(char* data, std::size_t size) {
    if (begin_ == end_ && !fill()) return -1;
    std::size_t const count = (std::min)(size, end_ - begin_);
    std::memcpy(data, buffer_.data() + begin_, count);
    begin_ += count;
    return static_cast<ssize_t>(count);
}

ssize_t server_socket::write(char const* data, std::size_t size) {
    if (!is_writable()) return -1;
    ssize_t count = 0;
    do {
        count = send(fd_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    return count;
}

// Only loggers ask, and there is none.
void server_socket::get_remote_ip_and_port(std::string& ip, int& port) const {
    ip = "127.0.0.1";
    port = 0;
}

void server_socket::get_local_ip_and_port(std::string& ip, int& port) const {
    ip = "127.0.0.1";
    port = 0;
}

bool open_sockets::add(socket_t fd) {
    std::lock_guard const lock(mutex_);
    if (!stopped_) sockets_.insert(fd);
    return !stopped_;
}

// Under the lock, so that shut_all never meets a descriptor that was closed and given out again.
void open_sockets::close(socket_t fd) noexcept {
    std::lock_guard const lock(mutex_);
    sockets_.erase(fd);
    ::close(fd);
}

void open_sockets::shut_all() noexcept {
    std::lock_guard const lock(mutex_);
    stopped_ = true;
    for (socket_t const fd : sockets_)
        shutdown(fd, SHUT_RDWR);
}

} // namespace chat::detail
