// A chat whose answer streams in, and is cut off cleanly when you say more.
#include "conversation.hpp"
#include "embedded_server.hpp"
#include "input.hpp"
#include "llm_client.hpp"
#include "options.hpp"
#include "printer.hpp"

#include <coir/runtime/blocking.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>

#include <unistd.h>

namespace {

using handler = chat::interruptible_handler<std::string, chat::llm_error>;

constexpr int exit_ctrl_c = 130;

chat::handler_options<std::string> handler_options_of(chat::options const& chosen) {
    chat::handler_options<std::string> options;
    options.debounce = chosen.debounce;
    options.max_wait = chosen.max_wait;
    options.on_diagnostic = [](std::string_view what) { std::cerr << "interruptible_handler: " << what << '\n'; };
    options.events.on_diagnostic = options.on_diagnostic;
    return options;
}

// Writing may block, so it is done off the threads that run the fibers.
coir::task<> print_events(handler::subscription events, chat::printer& printer) {
    while (auto event = co_await events.next()) {
        auto const print = [&] { printer.print(*event); };
        co_await coir::blocking(print);
    }
}

coir::task<> serve(handler& h, handler::subscription events, chat::printer& printer) {
    auto body = [&](coir::scope<>& s) -> coir::task<> {
        s.fork(print_events, std::move(events), std::ref(printer));
        printer.not_answered(co_await h.run());
    };
    co_await coir::with_scope(coir::moved(body));
}

int chat_with(chat::llm_client const& client, chat::options const& chosen, chat::input_source source) {
    chat::conversation conversation(client);
    handler h(conversation, handler_options_of(chosen));
    chat::printer printer(chosen.json, source.fd != -1 && chat::is_terminal(source.fd));
    coir::thread_pool pool(2);

    auto events = h.subscribe();
    std::atomic<bool> interrupted{false};
    chat::interrupt_signal const ctrl_c([&] {
        interrupted = true;
        h.interrupt(); // the reason that the request's last event gives
        h.shutdown();
    });
    chat::input_callbacks callbacks;
    callbacks.on_line = [&](std::string line) { h.submit(std::move(line)); };
    callbacks.on_end = [&] { h.close_input(); };
    chat::input_thread const input(std::move(source), std::move(callbacks));
    pool.run(serve, std::ref(h), std::move(events), std::ref(printer)).value();
    return interrupted ? exit_ctrl_c : printer.exit_status();
}

chat::input_source input_of(chat::options const& chosen) {
    return chosen.script_file.empty() ? chat::input_from(STDIN_FILENO, chat::builtin_script())
                                      : chat::input_source(chat::load_script(chosen.script_file));
}

int run(chat::options const& chosen) {
    auto source = input_of(chosen);
    std::unique_ptr<chat::embedded_server> server;
    if (chosen.base_url.empty()) {
        server = std::make_unique<chat::embedded_server>();
    }
    chat::llm_endpoint const endpoint(server ? server->base_url() : chosen.base_url, chosen.model,
                                      chat::api_key_of(chosen));
    chat::http_transport transport;
    chat::llm_limits limits;
    limits.connect = chosen.connect;
    limits.first_token = chosen.first_token;
    limits.idle = chosen.idle;
    limits.total = chosen.total;
    return chat_with(chat::llm_client(transport, endpoint, limits), chosen, std::move(source));
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // a reader of our output may leave
    try {
        chat::command_line const line = chat::parse_options(argc, argv, std::cout, std::cerr);
        return line.chosen ? run(*line.chosen) : line.exit_status;
    } catch (chat::bad_endpoint const& e) {
        std::cerr << "interruptible_handler: " << e.what() << '\n';
        return chat::exit_wrong_usage;
    } catch (chat::bad_script const& e) {
        std::cerr << "interruptible_handler: " << e.what() << '\n';
        return chat::exit_wrong_usage;
    } catch (std::exception const& e) {
        std::cerr << "interruptible_handler: " << e.what() << '\n';
        return 1;
    }
}
