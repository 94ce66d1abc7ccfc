// The command line and the script: defaults, refusals, messages.
#include "options.hpp"
#include "script.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace chat;
using namespace std::chrono_literals;

struct parsed {
    command_line line;
    std::string out;
    std::string err;
};

parsed parse(std::initializer_list<char const*> arguments) {
    std::vector<char const*> argv{"interruptible_handler"};
    argv.insert(argv.end(), arguments);
    std::ostringstream out;
    std::ostringstream err;
    auto line = parse_options(static_cast<int>(argv.size()), argv.data(), out, err);
    return {std::move(line), out.str(), err.str()};
}

std::string problem_in(std::string const& text) {
    std::istringstream in(text);
    try {
        (void)parse_script(in, "demo");
    } catch (bad_script const& problem) {
        return problem.what();
    }
    return "";
}

} // namespace

TEST_CASE("without arguments the documented defaults hold") {
    auto const result = parse({});
    REQUIRE(result.line.chosen.has_value());
    options const& chosen = *result.line.chosen;
    CHECK(chosen.base_url.empty());
    CHECK(chosen.debounce == 300ms);
    CHECK(chosen.max_wait == 3'000ms);
    CHECK(chosen.connect == 10'000ms);
    CHECK(chosen.first_token == 60'000ms);
    CHECK(chosen.idle == 30'000ms);
    CHECK(chosen.total == 600'000ms);
    CHECK_FALSE(chosen.json);
    CHECK(chosen.script_file.empty());
}

TEST_CASE("every flag arrives") {
    auto const result = parse({"--base-url",
                               "https://h/v1",
                               "--model",
                               "m",
                               "--api-key-env",
                               "K",
                               "--debounce-ms",
                               "0",
                               "--max-wait-ms=5",
                               "--connect-ms",
                               "1",
                               "--first-token-ms",
                               "2",
                               "--idle-ms",
                               "3",
                               "--total-ms",
                               "4",
                               "--script",
                               "f",
                               "--json"});
    REQUIRE(result.line.chosen.has_value());
    options const& chosen = *result.line.chosen;
    CHECK(chosen.base_url == "https://h/v1");
    CHECK(chosen.model == "m");
    CHECK(chosen.api_key_env == "K");
    CHECK(chosen.debounce == 0ms);
    CHECK(chosen.max_wait == 5ms);
    CHECK(chosen.connect == 1ms);
    CHECK(chosen.first_token == 2ms);
    CHECK(chosen.idle == 3ms);
    CHECK(chosen.total == 4ms);
    CHECK(chosen.script_file == "f");
    CHECK(chosen.json);
}

TEST_CASE("wrong usage says what is wrong and exits with 2") {
    for (auto const& arguments : std::initializer_list<std::initializer_list<char const*>>{
             {"--nonsense"},
             {"stray"},
             {"--debounce-ms"},
             {"--debounce-ms", "-5"},
             {"--debounce-ms", "abc"},
             {"--debounce-ms", "5x"},
             {"--debounce-ms", "1.5"},
             {"--connect-ms", "0"},
             {"--total-ms", "99999999999999999999"},
             {"--idle-ms", ""},
             {"--json=maybe"},
             {"--bad\x1b[31m"},
         }) {
        CAPTURE(*arguments.begin());
        auto const result = parse(arguments);
        CHECK_FALSE(result.line.chosen.has_value());
        CHECK(result.line.exit_status == 2);
        CHECK_FALSE(result.err.empty());
        CHECK(result.out.empty());
        CHECK(result.err.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("help lists every flag and exits with 0") {
    auto const result = parse({"--help"});
    CHECK_FALSE(result.line.chosen.has_value());
    CHECK(result.line.exit_status == 0);
    for (char const* const flag :
         {"--base-url", "--model", "--api-key-env", "--debounce-ms", "--max-wait-ms", "--connect-ms",
          "--first-token-ms", "--idle-ms", "--total-ms", "--script", "--json"}) {
        CAPTURE(flag);
        CHECK(result.out.find(flag) != std::string::npos);
    }
}

TEST_CASE("the API key comes from the environment, and only for a server of the user's") {
    setenv("COIR_TEST_KEY", "sk-1", 1);
    options chosen;
    chosen.api_key_env = "COIR_TEST_KEY";
    CHECK(api_key_of(chosen).empty());
    chosen.base_url = "https://h/v1";
    CHECK(api_key_of(chosen) == "sk-1");
    unsetenv("COIR_TEST_KEY");
    CHECK(api_key_of(chosen).empty());
    chosen.api_key_env.clear();
    CHECK(api_key_of(chosen).empty());
}

TEST_CASE("a script is read line by line") {
    std::istringstream in("0 first\n\n  150   second  line\r\n2500 third");
    auto const lines = parse_script(in, "demo");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].delay == 0ms);
    CHECK(lines[0].text == "first");
    CHECK(lines[1].delay == 150ms);
    CHECK(lines[1].text == "second  line");
    CHECK(lines[2].delay == 2'500ms);
    CHECK(lines[2].text == "third");
}

TEST_CASE("an error in a script names the line") {
    CHECK(problem_in("0 fine\nhello there\n").find("demo:2: ") == 0);
    CHECK(problem_in("-5 text").find("demo:1: ") == 0);
    CHECK(problem_in("5").find("demo:1: ") == 0);
    CHECK(problem_in("5 ").find("demo:1: ") == 0);
    CHECK(problem_in("5x text").find("demo:1: ") == 0);
    CHECK(problem_in("1.5 text").find("demo:1: ") == 0);
    CHECK(problem_in("99999999999999999999 text").find("demo:1: ") == 0);
    CHECK(problem_in("3600001 text").find("demo:1: ") == 0);
    CHECK(problem_in("1 " + std::string(max_input_bytes + 1, 'x')).find("demo:1: ") == 0);
    CHECK(problem_in("").empty());
}

TEST_CASE("a script that cannot be read is reported") {
    CHECK_THROWS_AS(load_script("/nonexistent/script"), bad_script);
    CHECK_THROWS_AS(load_script("/tmp"), bad_script);
    CHECK(load_script("/dev/null").empty());
}

TEST_CASE("the built-in script batches two inputs and then interrupts") {
    auto const lines = builtin_script();
    REQUIRE(lines.size() == 3);
    CHECK(lines[1].delay < options().debounce);
    CHECK(lines[2].delay > options().debounce);
}
