// What the embedded server says. Long enough to be interrupted, and it depends on the prompt, so
// that one can see which request an answer belongs to.
#include "embedded_server.hpp"

#include "llm_protocol.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace chat {
namespace {

struct topic {
    std::string_view keyword;
    std::string_view text;
};

constexpr std::array topics{
    topic{"coroutine", "A coroutine is a function that can pause and later go on from where it paused. Its local "
                       "variables live in a frame of their own instead of on the stack, so pausing costs about as "
                       "much as a function call and no thread is held while it waits. That is why a program can "
                       "keep a hundred thousand conversations open at once: each of them is a small frame in "
                       "memory, waiting for the event that will wake it."},
    topic{"structured", "Structured concurrency means that work started in a block has ended when the block is "
                        "left. Nobody outlives the scope that asked for it, so errors have somewhere to go, "
                        "resources are released in order, and cancelling the outermost task reaches everything "
                        "below it. It does for concurrent programs what the if and the while loop did for jumps."},
    topic{"interrupt", "Interrupting is more than stopping. What was already said has to be kept, the connection "
                       "has to be closed so that the other side stops working, the one who asked has to be told "
                       "exactly once, and the next question must not meet the leftovers of the last. The rule that "
                       "makes it easy is that a single owner decides, and everyone else only sends it messages."},
    topic{"cancel", "Cancellation is a request, and a good program answers it quickly. Waiting operations give "
                    "up their place, destructors release what was held, and the caller learns that the work did "
                    "not finish. The difficult part is the race: a result and a cancellation may arrive in the "
                    "same microsecond, and exactly one of them must win."},
};

constexpr std::string_view anything_else =
    "I am a small server inside this program and know only a few things by heart, but I can talk about "
    "them at the pace of a real model. Ask me about coroutines, structured concurrency, cancellation, "
    "or interruption. While I talk you can type something else, and I will stop in the middle of a "
    "sentence; what you have read so far stays in our conversation, marked as unfinished, and the next "
    "answer starts from there.";

std::string lower_case(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string_view text_about(std::string_view prompt) {
    std::string const lowered = lower_case(prompt);
    auto const found = std::find_if(topics.begin(), topics.end(),
                                    [&](topic const& t) { return lowered.find(t.keyword) != std::string::npos; });
    return found == topics.end() ? anything_else : found->text;
}

// The first line's beginning, cut between UTF-8 characters.
std::string quoted(std::string_view prompt) {
    constexpr std::size_t longest = 60;
    std::string_view line = prompt.substr(0, prompt.find('\n'));
    if (line.size() <= longest) return "\"" + std::string(line) + "\"";
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0u) == 0x80u)
        --end;
    return "\"" + std::string(line.substr(0, end)) + "...\"";
}

} // namespace

std::string canned_answer(std::string_view prompt, std::size_t turn) {
    std::string answer;
    if (prompt.substr(0, interruption_marker.size()) == interruption_marker) {
        prompt.remove_prefix(interruption_marker.size());
        prompt.remove_prefix((std::min)(prompt.find_first_not_of('\n'), prompt.size()));
        answer = "I stopped. ";
    }
    auto const lines = static_cast<std::size_t>(std::count(prompt.begin(), prompt.end(), '\n')) + 1;
    answer += "You said " + quoted(prompt);
    if (lines > 1) answer += " and " + std::to_string(lines - 1) + " more";
    answer += turn > 1 ? ", which is message " + std::to_string(turn) + ". " : ". ";
    return answer.append(text_about(prompt));
}

} // namespace chat
