#include "options.hpp"

#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdlib>
#include <ostream>

namespace chat {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t one_day_ms = 24LL * 3600 * 1000;

void add_time(CLI::App& app, char const* name, milliseconds& value, std::int64_t least, char const* meaning) {
    app.add_option_function<std::int64_t>(
           name, [&value](std::int64_t const& ms) { value = milliseconds(ms); }, meaning)
        ->check(CLI::Range(least, one_day_ms))
        ->type_name("MS")
        ->default_str(std::to_string(value.count()));
}

void describe(CLI::App& app, options& chosen) {
    app.add_option("--base-url", chosen.base_url,
                   "OpenAI-compatible server, such as https://host/v1; without it one is started here");
    app.add_option("--model", chosen.model, "Model to ask for")->capture_default_str();
    app.add_option("--api-key-env", chosen.api_key_env, "Environment variable that holds the API key")
        ->capture_default_str();
    add_time(app, "--debounce-ms", chosen.debounce, 0, "Quiet time that ends a batch of inputs");
    add_time(app, "--max-wait-ms", chosen.max_wait, 0, "Longest time a batch is kept open");
    add_time(app, "--connect-ms", chosen.connect, 1, "Time limit to connect");
    add_time(app, "--first-token-ms", chosen.first_token, 1, "Time limit until the answer begins");
    add_time(app, "--idle-ms", chosen.idle, 1, "Time limit between two pieces of an answer");
    add_time(app, "--total-ms", chosen.total, 1, "Time limit of a whole request");
    app.add_option("--script", chosen.script_file, "Inputs to play: lines \"<delay-ms> <text>\"")->type_name("FILE");
    app.add_flag("--json", chosen.json, "Print one JSON object per event");
}

} // namespace

command_line parse_options(int argc, char const* const* argv, std::ostream& out, std::ostream& err) {
    command_line result;
    options chosen;
    CLI::App app("A chat whose answers stream in, and stop when you type.", "interruptible_handler");
    describe(app, chosen);
    try {
        app.parse(argc, argv);
        result.chosen = std::move(chosen);
    } catch (const CLI::CallForHelp&) {
        out << app.help();
    } catch (const CLI::ParseError& error) {
        err << "interruptible_handler: " << safe_for_terminal(error.what()) << "\nTry --help.\n";
        result.exit_status = exit_wrong_usage;
    }
    return result;
}

std::string api_key_of(options const& chosen) {
    if (chosen.base_url.empty() || chosen.api_key_env.empty()) return {};
    char const* const key = std::getenv(chosen.api_key_env.c_str());
    return key == nullptr ? std::string() : std::string(key);
}

} // namespace chat
