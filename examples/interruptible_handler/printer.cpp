#include "printer.hpp"

#include "input.hpp"

#include <iostream>
#include <variant>

#include <unistd.h>

namespace chat {

namespace {

char const* name_of(interrupt_reason reason) {
    switch (reason) {
    case interrupt_reason::new_user_input: return "new_user_input";
    case interrupt_reason::ctrl_c: return "ctrl_c";
    case interrupt_reason::shutdown: break;
    }
    return "shutdown";
}

// A defect is a bug of ours; it is reported in the terms of the protocol.
llm_error error_of(coir::outcome<void, llm_error> const& cause) {
    if (cause.is_failure()) {
        return cause.error();
    }
    try {
        std::rethrow_exception(cause.defect());
    } catch (std::exception const& e) {
        return llm_error(llm_error_kind::protocol, e.what());
    } catch (...) {
        return llm_error(llm_error_kind::protocol, "unknown exception");
    }
}

} // namespace

printer::printer(bool json, bool typed)
    : json_(json), typed_(typed), cautious_(is_terminal(STDOUT_FILENO)), events_(std::cout),
      start_(std::chrono::steady_clock::now()) {}

void printer::print(event const& e) {
    at_ = std::chrono::duration_cast<std::chrono::milliseconds>(e.at - start_);
    std::visit([this](auto const& what) { show(what); }, e.what);
}

void printer::show(request_started<std::string> const& e) {
    if (json_) {
        events_.request_started(e.id, e.inputs, at_);
    } else if (!typed_) {
        for (auto const& input : e.inputs) {
            std::cout << "> " << (cautious_ ? safe_for_terminal(input) : input) << '\n';
        }
        std::cout << std::flush;
    }
}

void printer::show(text_delta const& e) {
    if (json_) {
        events_.text_delta(e.id, e.delta, at_);
    } else {
        std::cout << (cautious_ ? filter_.feed(e.delta) : e.delta) << std::flush;
    }
}

void printer::show(request_completed const& e) {
    exit_status_ = 0;
    if (json_) {
        events_.request_completed(e.id, e.text, at_);
    } else {
        end_of_answer();
    }
}

void printer::show(request_interrupted const& e) {
    exit_status_ = 1;
    if (json_) {
        events_.request_interrupted(e.id, e.partial, name_of(e.reason), at_);
        return;
    }
    end_of_answer();
    std::cout << "[interrupted; " << e.partial.size() << " bytes of the answer are kept]\n" << std::flush;
}

void printer::show(request_failed<llm_error> const& e) {
    exit_status_ = 1;
    llm_error const error = error_of(e.cause);
    if (json_) {
        llm_error whole = error;
        whole.partial = e.partial;
        events_.request_failed(e.id, whole, at_);
    } else if (!e.partial.empty()) {
        end_of_answer();
    }
    std::cerr << "interruptible_handler: the request failed (" << chat::name_of(error.kind)
              << "): " << safe_for_terminal(error.message) << '\n';
}

void printer::end_of_answer() {
    if (cautious_) {
        std::cout << filter_.finish();
    }
    std::cout << '\n' << std::flush;
}

void printer::not_answered(std::vector<std::string> const& inputs) {
    for (auto const& input : inputs) {
        std::cerr << "interruptible_handler: not answered: " << safe_for_terminal(input) << '\n';
    }
}

} // namespace chat
