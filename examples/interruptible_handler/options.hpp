// The command line, checked: whoever holds an `options` holds values that make sense.
//
//   const chat::command_line line = chat::parse_options(argc, argv, std::cout, std::cerr);
//   if (!line.chosen) return line.exit_status;     // --help, or wrong usage, already reported
//   run(*line.chosen);
#pragma once

#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>

namespace chat {

// The API key itself is never here: arguments are visible to every user of the machine.
struct options {
    options() = default;

    std::string base_url; // empty: start the embedded server
    std::string model = "gpt-4o-mini";
    std::string api_key_env = "OPENAI_API_KEY";
    std::chrono::milliseconds debounce{300};
    std::chrono::milliseconds max_wait{3'000};
    std::chrono::milliseconds connect{10'000};
    std::chrono::milliseconds first_token{60'000};
    std::chrono::milliseconds idle{30'000};
    std::chrono::milliseconds total{600'000};
    std::string script_file; // empty: none
    bool json = false;
};

struct command_line {
    command_line() = default;

    std::optional<options> chosen;
    int exit_status = 0; // if there is nothing to run: 0 for --help, 2 for wrong usage
};

constexpr int exit_wrong_usage = 2;

// Prints help to `out` and errors to `err`. Does not look at files or the environment.
[[nodiscard]] command_line parse_options(int argc, char const* const* argv, std::ostream& out, std::ostream& err);

// The value of the environment variable that holds the key; empty if it is unset or unnamed, or if
// there is no base URL: the embedded server needs none.
[[nodiscard]] std::string api_key_of(options const& chosen);

} // namespace chat
