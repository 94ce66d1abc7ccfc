#include "script.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

namespace chat {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view blanks = " \t";

script_line parse_line(std::string_view line, std::string const& where) {
    line.remove_prefix(line.find_first_not_of(blanks));
    milliseconds::rep delay = 0;
    auto const [end, error] = std::from_chars(line.data(), line.data() + line.size(), delay);
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    auto const text = line.find_first_not_of(blanks);
    if (error == std::errc::invalid_argument || text == 0) {
        throw bad_script(where + "expected \"<delay-ms> <text>\"");
    }
    if (error != std::errc{} || delay < 0 || delay > longest_delay.count()) {
        throw bad_script(where + "the delay must be 0 to " + std::to_string(longest_delay.count()));
    }
    if (text == std::string_view::npos) throw bad_script(where + "there is no text after the delay");
    line.remove_prefix(text);
    if (line.size() > max_input_bytes) throw bad_script(where + "the text is too long");
    return {milliseconds(delay), std::string(line)};
}

} // namespace

script parse_script(std::istream& in, std::string const& name) {
    script result;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.find_first_not_of(blanks) == std::string::npos) continue;
        result.push_back(parse_line(line, name + ":" + std::to_string(number) + ": "));
    }
    if (in.bad()) throw bad_script(name + ": cannot be read");
    return result;
}

script load_script(std::string const& path) {
    errno = 0;
    std::ifstream file(path);
    // A directory opens, but nothing can be read from it.
    if (!file || (file.peek(), file.bad())) {
        throw bad_script(path + ": " + std::strerror(errno != 0 ? errno : EIO));
    }
    file.clear();
    return parse_script(file, path);
}

script builtin_script() {
    return {{milliseconds(0), "Tell me about coroutines,"},
            {milliseconds(150), "and keep it short."},
            {milliseconds(2'200), "Wait! First explain structured concurrency."}};
}

} // namespace chat
