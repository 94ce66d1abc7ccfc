#include "embedded_server.hpp"

#include "json_limits.hpp"
#include "llm_protocol.hpp"
#include "server_socket.hpp"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace chat {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// Lets streams sleep between tokens without sleeping through the end of the server.
class stop_signal {
public:
    void raise() noexcept {
        {
            std::lock_guard const lock(mutex_);
            raised_ = true;
        }
        changed_.notify_all();
    }

    // False if the server stops meanwhile.
    [[nodiscard]] bool sleep(milliseconds duration) {
        std::unique_lock lock(mutex_);
        return !changed_.wait_for(lock, duration, [this] { return raised_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool raised_ = false;
};

// As many threads as connections are allowed; with all of them busy, enqueue() waits, and with it the
// accepting thread, so that further clients stay in the kernel's short queue.
class connection_threads final : public httplib::TaskQueue {
public:
    explicit connection_threads(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            threads_.emplace_back([this] { run(); });
    }
    ~connection_threads() override { shutdown(); }

    void enqueue(std::function<void()> job) override {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return jobs_.empty(); });
        jobs_.push_back(std::move(job));
        changed_.notify_all();
    }

    void shutdown() override {
        {
            std::lock_guard const lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_)
            thread.join();
        threads_.clear();
    }

private:
    void run() {
        for (;;) {
            std::function<void()> job;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
                if (jobs_.empty()) return;
                job = std::move(jobs_.front());
                jobs_.pop_front();
            }
            changed_.notify_all();
            job();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

std::string error_body(std::string_view message, std::string_view type) {
    json const body = {{"error", {{"message", message}, {"type", type}, {"code", nullptr}}}};
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

// One answer, cut into tokens, as server-sent events.
class answer_stream {
public:
    answer_stream(std::string model, std::string answer) : model_(std::move(model)) {
        std::size_t begin = 0;
        while (begin < answer.size()) { // a token is a word with the blank before it
            std::size_t const end = answer.find(' ', begin + 1);
            tokens_.push_back(answer.substr(begin, end - begin));
            begin = end == std::string::npos ? answer.size() : end;
        }
    }

    // The next event; the caller stops after the last.
    [[nodiscard]] std::string next() {
        std::size_t const step = step_++;
        if (step == 0) return event({{"role", "assistant"}, {"content", ""}}, nullptr);
        if (step <= tokens_.size()) return event({{"content", tokens_[step - 1]}}, nullptr);
        if (step == tokens_.size() + 1) return event(json::object(), "stop");
        return "data: [DONE]\n\n";
    }
    [[nodiscard]] bool ended() const noexcept { return step_ > tokens_.size() + 2; }

    // Even streams look more human with a pace that varies; the same answer always varies alike.
    [[nodiscard]] milliseconds pause(milliseconds pace) const {
        if (step_ == 0 || step_ > tokens_.size()) return milliseconds(0);
        auto const jitter = static_cast<milliseconds::rep>((step_ * 7919) % 51); // 0 to 50 percent
        return pace * (75 + jitter) / 100;
    }

private:
    [[nodiscard]] std::string event(json delta, json finish_reason) const {
        json const body = {
            {"id", "chatcmpl-embedded"},
            {"object", "chat.completion.chunk"},
            {"created", 0},
            {"model", model_},
            {"choices",
             json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}}})}};
        return "data: " + body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n\n";
    }

    std::string model_;
    std::vector<std::string> tokens_;
    std::size_t step_ = 0;
};

// The stream a request body asks for, or a message that says what is wrong with it.
std::pair<std::shared_ptr<answer_stream>, std::string> open_stream(std::string const& body) {
    auto const request = parse_json(body);
    if (!request || !request->is_object()) return {nullptr, "the body is not a JSON object"};
    json const* const stream = member(*request, "stream");
    if (stream == nullptr || !stream->is_boolean() || !stream->get<bool>()) {
        return {nullptr, "this server only streams: set \"stream\" to true"};
    }
    json const* const messages = member(*request, "messages");
    if (messages == nullptr || !messages->is_array()) return {nullptr, "\"messages\" is not a list"};
    std::string const* prompt = nullptr;
    std::size_t turn = 0;
    for (json const& each : *messages) {
        std::string const* const who = string_member(each, "role");
        if (who == nullptr || *who != "user") continue;
        prompt = string_member(each, "content");
        ++turn;
    }
    if (prompt == nullptr) return {nullptr, "there is no user message with text"};
    std::string const* const model = string_member(*request, "model");
    return {std::make_shared<answer_stream>(model == nullptr ? "embedded" : *model, canned_answer(*prompt, turn)), ""};
}

} // namespace

class embedded_server::server final : public httplib::Server {
public:
    explicit server(embedded_server_options options) : options_(options) {
        new_task_queue = [count = options_.max_connections] { return new connection_threads(count); };
        set_payload_max_length(options_.max_request_bytes);
        // By default the port could be shared, and connections stolen, by another process.
        set_socket_options([](socket_t) {});
        Post("/v1/chat/completions",
             [this](httplib::Request const& request, httplib::Response& response) { answer(request, response); });
        set_error_handler([](httplib::Request const&, httplib::Response& response) {
            if (!response.body.empty()) return;
            response.set_content(error_body("HTTP " + std::to_string(response.status), "invalid_request_error"),
                                 "application/json");
        });
    }

    [[nodiscard]] int start() {
        int const port = bind_to_any_port("127.0.0.1");
        if (port <= 0) throw std::runtime_error("the embedded server finds no free port");
        thread_ = std::thread([this] { (void)listen_after_bind(); });
        // stop() has no effect on a server that does not accept yet.
        while (!is_running())
            std::this_thread::yield();
        return port;
    }

    void shut() noexcept {
        if (!thread_.joinable()) return;
        stopping_.raise();
        sockets_.shut_all();
        stop();
        thread_.join();
    }

private:
    void answer(httplib::Request const& request, httplib::Response& response) {
        auto [stream, problem] = open_stream(request.body);
        if (!stream) {
            response.status = 400;
            response.set_content(error_body(problem, "invalid_request_error"), "application/json");
            return;
        }
        response.set_chunked_content_provider(
            "text/event-stream", [this, tokens = std::move(stream)](std::size_t, httplib::DataSink& sink) {
                if (!stopping_.sleep(tokens->pause(options_.token_pace)) || !sink.is_writable()) return false;
                std::string const event = tokens->next();
                if (!sink.write(event.data(), event.size())) return false;
                if (tokens->ended()) sink.done();
                return true;
            });
    }

    // One request per connection, read through a stream that bounds it.
    bool process_and_close_socket(socket_t fd) override {
        bool served = false;
        if (sockets_.add(fd)) {
            int const on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            detail::server_socket stream(fd, options_.max_request_bytes, options_.request_timeout);
            bool closed = false;
            served = process_request(stream, true, closed, nullptr);
        }
        sockets_.close(fd);
        return served;
    }

    embedded_server_options options_;
    stop_signal stopping_;
    detail::open_sockets sockets_;
    std::thread thread_;
};

embedded_server::embedded_server(embedded_server_options options)
    : server_(std::make_unique<server>(options)),
      base_url_("http://127.0.0.1:" + std::to_string(server_->start()) + "/v1") {}

embedded_server::~embedded_server() { stop(); }

void embedded_server::stop() noexcept { server_->shut(); }

} // namespace chat
