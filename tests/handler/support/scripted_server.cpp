#include "scripted_server.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace chat::testing {
namespace {

using std::chrono::milliseconds;

std::string chunk_of(nlohmann::json delta, nlohmann::json finish_reason) {
    nlohmann::json const body = {
        {"id", "chatcmpl-test"},
        {"object", "chat.completion.chunk"},
        {"choices", nlohmann::json::array(
                        {{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}}})}};
    return body.dump();
}

// A chunk of HTTP's chunked encoding.
std::string framed(std::string_view bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string size;
    for (std::size_t n = bytes.size(); n != 0; n /= 16)
        size.insert(size.begin(), digits[n % 16]);
    return size + "\r\n" + std::string(bytes) + "\r\n";
}

std::size_t content_length(std::string head) {
    std::transform(head.begin(), head.end(), head.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::string_view name = "\r\ncontent-length:";
    auto const at = head.find(name);
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()));
}

} // namespace

reply& reply::then(action what, std::string bytes, milliseconds time) {
    steps_.push_back({what, std::move(bytes), time});
    return *this;
}

reply reply::begin(std::vector<std::string> const& deltas) {
    reply r;
    r.header("Content-Type", "text/event-stream").header("Transfer-Encoding", "chunked");
    r.event(chunk_of({{"role", "assistant"}, {"content", ""}}, nullptr));
    for (std::string const& text : deltas)
        r.delta(text);
    return r;
}

reply reply::answer(std::vector<std::string> const& deltas) {
    reply r = begin(deltas);
    return r.event(chunk_of(nlohmann::json::object(), "stop")).done();
}

reply reply::status(int code, std::string_view message) {
    reply r;
    r.status_ = code;
    nlohmann::json const body = {{"error", {{"message", message}, {"type", "test"}}}};
    std::string const text = body.dump();
    r.header("Content-Type", "application/json").header("Content-Length", std::to_string(text.size()));
    return r.send(text);
}

reply reply::body(std::string_view text) {
    reply r;
    r.header("Content-Type", "text/event-stream").header("Transfer-Encoding", "chunked");
    r.then(action::chunk, std::string(text));
    return r.end();
}

reply reply::raw(std::string_view bytes) {
    reply r;
    r.has_head_ = false;
    return r.send(bytes);
}

reply reply::blurt(std::string_view bytes) {
    reply r = raw(bytes);
    r.reads_request_ = false;
    return r;
}

reply reply::deaf() { return blurt("").hold(); }
reply reply::silent() { return raw("").hold(); }

reply& reply::header(std::string_view name, std::string_view value) {
    headers_.append(name).append(": ").append(value).append("\r\n");
    return *this;
}

reply& reply::event(std::string_view data) { return then(action::chunk, "data: " + std::string(data) + "\n\n"); }
reply& reply::delta(std::string_view text) { return event(chunk_of({{"content", text}}, nullptr)); }
reply& reply::send(std::string_view bytes) { return then(action::send, std::string(bytes)); }
reply& reply::done() { return event("[DONE]").end(); }
reply& reply::end() { return then(action::send, "0\r\n\r\n"); }
reply& reply::pause(milliseconds time) { return then(action::pause, {}, time); }
reply& reply::hold() { return then(action::hold); }
reply& reply::cut() { return *this; }
reply& reply::reset() { return then(action::reset); }
reply& reply::slow(milliseconds between_events) {
    between_ = between_events;
    return *this;
}

struct scripted_server::connection {
    explicit connection(int f) : fd(f) {}

    int fd;
    recorded_request request;
    bool requested = false;
    bool replied = false;
    bool left = false; // the client closed first
    std::chrono::steady_clock::time_point left_at;
    std::thread thread;
};

scripted_server::scripted_server() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0 ||
        getsockname(listener_, generic, &size) != 0 || pipe(stop_pipe_) != 0) {
        throw std::runtime_error("no loopback server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
}

scripted_server::~scripted_server() {
    ::close(stop_pipe_[1]); // readable for everyone who polls the other end
    thread_.join();
    for (auto const& c : connections_)
        c->thread.join();
    ::close(stop_pipe_[0]);
    ::close(listener_);
}

scripted_server& scripted_server::add(reply r) {
    std::lock_guard const lock(mutex_);
    replies_.push_back(std::move(r));
    return *this;
}

std::string scripted_server::base_url(std::string_view scheme) const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_) + "/v1";
}

void scripted_server::accept_all() {
    for (;;) {
        pollfd entries[] = {{listener_, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
        (void)poll(entries, 2, -1);
        if (entries[1].revents != 0) return;
        int const fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) continue;
        std::lock_guard const lock(mutex_);
        std::size_t const index = connections_.size();
        connections_.push_back(std::make_unique<connection>(fd));
        connection& c = *connections_.back();
        reply const r = replies_.empty() ? reply::silent() : replies_[(std::min)(index, replies_.size() - 1)];
        c.thread = std::thread([this, &c, r] { serve(c, r); });
        changed_.notify_all();
    }
}

void scripted_server::serve(connection& c, reply const& r) {
    if ((!r.reads_request_ || read_request(c)) && play(c, r)) {
        {
            std::lock_guard const lock(mutex_);
            c.replied = true;
        }
        changed_.notify_all();
    }
    ::close(c.fd);
}

bool scripted_server::read_request(connection& c) {
    std::string all;
    std::size_t head_size = std::string::npos;
    while (head_size == std::string::npos || all.size() < head_size + 4 + content_length(all.substr(0, head_size))) {
        if (!wait_for_client(c, milliseconds(-1), false)) return false;
        char buffer[16384];
        ssize_t const count = recv(c.fd, buffer, sizeof buffer, 0);
        if (count <= 0) {
            client_left(c);
            return false;
        }
        all.append(buffer, static_cast<std::size_t>(count));
        head_size = all.find("\r\n\r\n");
    }
    {
        std::lock_guard const lock(mutex_);
        c.request = {all.substr(0, head_size), all.substr(head_size + 4)};
        c.requested = true;
    }
    changed_.notify_all();
    return true;
}

// False if the client left, or the server stops, before the end.
bool scripted_server::put(connection& c, std::string_view bytes) {
    while (!bytes.empty()) {
        pollfd entries[] = {{c.fd, POLLOUT, 0}, {stop_pipe_[0], POLLIN, 0}};
        (void)poll(entries, 2, -1);
        if (entries[1].revents != 0) return false;
        ssize_t const count = ::send(c.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) continue;
        if (count <= 0) {
            client_left(c);
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// False if the client left, or the server stops, before the end.
bool scripted_server::play(connection& c, reply const& r) {
    if (r.has_head_ && !put(c, "HTTP/1.1 " + std::to_string(r.status_) + " Test\r\n" + r.headers_ + "\r\n")) {
        return false;
    }
    for (reply::step const& s : r.steps_) {
        switch (s.what) {
        case reply::action::send:
            if (!put(c, s.bytes)) return false;
            break;
        case reply::action::chunk:
            if (r.between_.count() > 0 && !wait_for_client(c, r.between_, true)) return false;
            if (!put(c, framed(s.bytes))) return false;
            break;
        case reply::action::pause:
            if (!wait_for_client(c, s.time, true)) return false;
            break;
        case reply::action::hold: return wait_for_client(c, milliseconds(-1), true);
        case reply::action::reset: {
            linger const at_once{1, 0};
            setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            return true;
        }
        }
    }
    return true;
}

// Waits for the client to send something, at most for `limit`, without one if that is negative; with
// `discard` what it sends is thrown away, and waiting goes on. False if the client leaves meanwhile,
// or the server stops.
bool scripted_server::wait_for_client(connection& c, milliseconds limit, bool discard) {
    auto const deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        int left = -1;
        if (limit.count() >= 0) {
            auto const rest = deadline - std::chrono::steady_clock::now();
            left = static_cast<int>(std::chrono::ceil<milliseconds>(rest).count());
            if (left <= 0) return true;
        }
        pollfd entries[] = {{c.fd, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
        if (poll(entries, 2, left) <= 0) continue;
        if (entries[1].revents != 0) return false;
        if (!discard) return true;
        char buffer[4096];
        if (recv(c.fd, buffer, sizeof buffer, 0) <= 0) {
            client_left(c);
            return false;
        }
    }
}

void scripted_server::client_left(connection& c) {
    {
        std::lock_guard const lock(mutex_);
        c.left = true;
        c.left_at = std::chrono::steady_clock::now();
    }
    changed_.notify_all();
}

template <class Predicate>
bool scripted_server::wait_for(std::size_t index, seconds limit, Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit,
                             [&] { return index < connections_.size() && predicate(*connections_[index]); });
}

bool scripted_server::wait_until_accepted(std::size_t index, seconds limit) {
    return wait_for(index, limit, [](connection const&) { return true; });
}
bool scripted_server::wait_until_requested(std::size_t index, seconds limit) {
    return wait_for(index, limit, [](connection const& c) { return c.requested; });
}
bool scripted_server::wait_until_replied(std::size_t index, seconds limit) {
    return wait_for(index, limit, [](connection const& c) { return c.replied; });
}
bool scripted_server::wait_until_closed(std::size_t index, seconds limit) {
    return wait_for(index, limit, [](connection const& c) { return c.left; });
}

std::size_t scripted_server::connections() const {
    std::lock_guard const lock(mutex_);
    return connections_.size();
}

recorded_request scripted_server::request(std::size_t index) const {
    std::lock_guard const lock(mutex_);
    return index < connections_.size() ? connections_[index]->request : recorded_request{};
}

std::chrono::steady_clock::time_point scripted_server::closed_at(std::size_t index) const {
    std::lock_guard const lock(mutex_);
    return index < connections_.size() ? connections_[index]->left_at : std::chrono::steady_clock::time_point{};
}

} // namespace chat::testing
