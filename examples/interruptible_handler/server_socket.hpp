// The server's side of one TCP connection, for cpp-httplib, with what its own stream lacks: a bound
// on the bytes of a request, an end to a client that stalls, and a way to shut it from outside.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>

namespace chat::detail {

class server_socket final : public httplib::Stream {
public:
    // Borrows `fd`. Reading more than `max_bytes` in all is an error, and so is reading later than
    // `timeout` from now, or a write for which the client makes no room within `timeout`.
    server_socket(socket_t fd, std::size_t max_bytes, std::chrono::milliseconds timeout)
        : fd_(fd), bytes_left_(max_bytes), timeout_(timeout), deadline_(clock::now() + timeout) {}

    using httplib::Stream::write;

    [[nodiscard]] bool is_readable() const override;
    [[nodiscard]] bool is_writable() const override; // also false once the client has gone
    ssize_t read(char* data, std::size_t size) override;
    ssize_t write(char const* data, std::size_t size) override;
    void get_remote_ip_and_port(std::string& ip, int& port) const override;
    void get_local_ip_and_port(std::string& ip, int& port) const override;
    [[nodiscard]] socket_t socket() const override { return fd_; }

private:
    using clock = std::chrono::steady_clock;

    [[nodiscard]] bool fill();

    socket_t fd_;
    std::size_t bytes_left_;
    std::chrono::milliseconds timeout_;
    clock::time_point deadline_;
    std::array<char, 4096> buffer_{}; // cpp-httplib reads the head one byte at a time
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

// The open connections. A shut one makes every read and write on it fail at once.
class open_sockets {
public:
    // False, and the socket is not registered, if shut_all was called.
    [[nodiscard]] bool add(socket_t fd);
    void close(socket_t fd) noexcept;
    void shut_all() noexcept;

private:
    std::mutex mutex_;
    std::set<socket_t> sockets_;
    bool stopped_ = false;
};

} // namespace chat::detail
