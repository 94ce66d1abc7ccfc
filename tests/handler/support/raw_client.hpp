// A TCP client that says what no HTTP library would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace chat::testing {

class raw_client {
public:
    raw_client(char const* address, int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in peer{};
        peer.sin_family = AF_INET;
        peer.sin_port = htons(static_cast<in_port_t>(port));
        inet_pton(AF_INET, address, &peer.sin_addr);
        connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof peer) == 0;
    }
    ~raw_client() { close(fd_); }
    raw_client(raw_client const&) = delete;
    raw_client& operator=(raw_client const&) = delete;

    [[nodiscard]] bool connected() const noexcept { return connected_; }

    // False once the peer has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            ssize_t const count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }

    void flood(std::size_t bytes) { send(std::string(bytes, 'x')); }

    [[nodiscard]] std::string read_to_end() {
        std::string all;
        while (readable()) {
            char buffer[4096];
            ssize_t const count = recv(fd_, buffer, sizeof buffer, 0);
            if (count <= 0) break;
            all.append(buffer, static_cast<std::size_t>(count));
        }
        return all;
    }

    // Waits; false after a time that only a broken server needs.
    [[nodiscard]] bool is_closed_by_peer() {
        while (readable()) {
            char buffer[4096];
            if (recv(fd_, buffer, sizeof buffer, 0) <= 0) return true;
        }
        return false;
    }

private:
    [[nodiscard]] bool readable() const {
        constexpr int limit_ms = 20'000;
        pollfd entry{fd_, POLLIN, 0};
        return poll(&entry, 1, limit_ms) > 0;
    }

    int fd_;
    bool connected_ = false;
};

} // namespace chat::testing
