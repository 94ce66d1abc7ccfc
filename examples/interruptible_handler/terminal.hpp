// Model text is not to be trusted with a terminal: escape sequences can retitle it, move the cursor,
// hide text or type commands. This makes every such character visible instead of effective.
//
//   chat::terminal_filter filter;
//   std::cout << filter.feed(delta) << std::flush;    // deltas may be cut inside a character
//   std::cout << filter.finish() << '\n';             // what an unfinished character becomes
#pragma once

#include <string>
#include <string_view>

namespace chat {

// Passes UTF-8 text on, but replaces
// - C0 controls other than newline and tab, and DEL, by their pictures (ESC becomes U+241B);
// - C1 controls (U+0080 to U+009F), which terminals obey as well, by U+FFFD;
// - marks, embeddings, overrides and isolates of the bidirectional algorithm by U+FFFD;
// - what is not UTF-8 by U+FFFD, one per ill-formed byte.
// Cutting the input differently gives the same output. Not thread-safe. O(n), holds at most 3 bytes.
class terminal_filter {
public:
    [[nodiscard]] std::string feed(std::string_view text);
    [[nodiscard]] std::string finish(); // then ready for another text

private:
    std::string pending_; // the beginning of a character
};

// A whole text at once: error messages, file names, names of models.
[[nodiscard]] std::string safe_for_terminal(std::string_view text);

} // namespace chat
