// Two ways for a connection not to come about, without leaving this machine.
#pragma once

namespace chat::testing {

// While it exists, looking up `host` blocks. The executable's getaddrinfo takes the place of the C
// library's, also for libcurl.
class slow_resolver {
public:
    static constexpr char const* host = "slow-resolver.invalid";

    slow_resolver();
    ~slow_resolver(); // lets the look-ups fail, and waits for them to return
    slow_resolver(slow_resolver const&) = delete;
    slow_resolver& operator=(slow_resolver const&) = delete;

    void wait_until_asked();
    [[nodiscard]] bool is_blocked() const;
};

// A listening socket whose queue is full: a further connection attempt gets no answer.
class unaccepting_socket {
public:
    unaccepting_socket();
    ~unaccepting_socket();
    unaccepting_socket(unaccepting_socket const&) = delete;
    unaccepting_socket& operator=(unaccepting_socket const&) = delete;

    [[nodiscard]] int port() const noexcept { return port_; }

private:
    int listener_ = -1;
    int clients_[4] = {-1, -1, -1, -1};
    int port_ = 0;
};

} // namespace chat::testing
