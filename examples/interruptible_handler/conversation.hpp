// A conversation with a language model, as the handler's session.
#pragma once

#include "interruptible_handler.hpp"
#include "llm_client.hpp"

#include <string>
#include <vector>

namespace chat {

class conversation : public session<std::string, llm_error> {
public:
    explicit conversation(llm_client const& client) : client_(client) {}

    coir::stream<std::string, llm_error> answer(std::vector<std::string> const& inputs) override {
        std::vector<message> asked = messages_;
        add_inputs(asked, inputs);
        return client_.ask(asked);
    }

    void keep(std::vector<std::string> const& inputs, std::string const& text, ending how) override {
        add_inputs(messages_, inputs);
        if (!text.empty()) {
            messages_.emplace_back(role::assistant, text, how != ending::completed);
        }
    }

    [[nodiscard]] std::vector<message> const& messages() const noexcept { return messages_; }

private:
    static void add_inputs(std::vector<message>& to, std::vector<std::string> const& inputs) {
        for (auto const& input : inputs) {
            to.emplace_back(role::user, input);
        }
    }

    llm_client const& client_;
    std::vector<message> messages_;
};

} // namespace chat
