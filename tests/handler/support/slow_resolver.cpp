#include "slow_resolver.hpp"

#include <condition_variable>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace {

std::mutex mutex;
std::condition_variable changed;
bool blocking = false;
int blocked = 0;
int asked = 0;

} // namespace

extern "C" int getaddrinfo(char const* node, char const* service, addrinfo const* hints, addrinfo** result) {
    using resolve = int (*)(char const*, char const*, addrinfo const*, addrinfo**);
    if (node == nullptr || std::strcmp(node, chat::testing::slow_resolver::host) != 0) {
        static auto const original = reinterpret_cast<resolve>(dlsym(RTLD_NEXT, "getaddrinfo"));
        return original(node, service, hints, result);
    }
    std::unique_lock lock(mutex);
    ++asked;
    ++blocked;
    changed.notify_all();
    changed.wait(lock, [] { return !blocking; });
    --blocked;
    changed.notify_all();
    return EAI_FAIL;
}

namespace chat::testing {

slow_resolver::slow_resolver() {
    std::lock_guard const lock(mutex);
    blocking = true;
    asked = 0;
}

slow_resolver::~slow_resolver() {
    std::unique_lock lock(mutex);
    blocking = false;
    changed.notify_all();
    changed.wait(lock, [] { return blocked == 0; });
}

void slow_resolver::wait_until_asked() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [] { return asked > 0; });
}

bool slow_resolver::is_blocked() const {
    std::lock_guard const lock(mutex);
    return blocked > 0;
}

unaccepting_socket::unaccepting_socket() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 0) != 0 ||
        getsockname(listener_, generic, &size) != 0) {
        throw std::runtime_error("no loopback socket");
    }
    port_ = ntohs(address.sin_port);
    for (int& client : clients_) {
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(client, generic, size);
    }
}

unaccepting_socket::~unaccepting_socket() {
    for (int const client : clients_)
        close(client);
    close(listener_);
}

} // namespace chat::testing
