// An HTTPS server for "localhost" with a certificate that it signed itself, new for each server.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace chat::testing {

class tls_server {
public:
    tls_server();
    ~tls_server();
    tls_server(tls_server const&) = delete;
    tls_server& operator=(tls_server const&) = delete;

    [[nodiscard]] int port() const noexcept;
    [[nodiscard]] std::string certificate_file() const; // PEM
    [[nodiscard]] std::size_t requests() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace chat::testing
