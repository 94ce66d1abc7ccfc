// A script plays a user: each line says how long after the line before it is typed, and what.
//
//   0    Tell me about coroutines
//   150  and keep it short
//   2500 Wait, what is structured concurrency?
#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace chat {

struct script_line {
    script_line(std::chrono::milliseconds d, std::string t) : delay(d), text(std::move(t)) {}

    std::chrono::milliseconds delay; // from the line before
    std::string text;
};

using script = std::vector<script_line>;

// The message begins with "<name>:<line>: ".
class bad_script : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

constexpr std::chrono::milliseconds longest_delay{3'600'000};
constexpr std::size_t max_input_bytes = std::size_t{64} << 10;

// Reads lines "<delay-ms> <text>"; empty lines are skipped. `name` is for messages. Throws bad_script
// at the first line that is something else, or whose delay or text is too long.
[[nodiscard]] script parse_script(std::istream& in, std::string const& name);

// The same for a file; throws bad_script as well if it cannot be read.
[[nodiscard]] script load_script(std::string const& path);

// Shows two inputs answered as one, an interruption, and a completed answer, in about five seconds.
[[nodiscard]] script builtin_script();

} // namespace chat
