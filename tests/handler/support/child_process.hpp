// A program run as a child, with what it prints and how it ends.
//
//   child_process child({CHAT_PROGRAM, "--json"}, "typed on stdin\n");
//   ended const e = child.wait();        // kills it, and says so, after a time only a hang needs
//   REQUIRE(e.status == 0);
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace chat::testing {

struct ended {
    int status = -1; // exit status; 128 + n for signal n
    bool hung = false;
    std::string out;
    std::string err;
};

class child_process {
public:
    // stdin is /dev/null, or a pipe that gives `typed`; with `keep_open` it has no end.
    explicit child_process(std::vector<std::string> const& arguments);
    child_process(std::vector<std::string> const& arguments, std::string_view typed, bool keep_open = false);
    ~child_process(); // kills it, if it still runs
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;

    void type(std::string_view text) const;
    void send(int signal) const;
    // Until its standard output holds `text`; false if it ends, or says nothing for long.
    [[nodiscard]] bool wait_for_output(std::string_view text, std::chrono::seconds limit = std::chrono::seconds(30));
    [[nodiscard]] ended wait(std::chrono::seconds limit = std::chrono::seconds(60));

private:
    void start(std::vector<std::string> const& arguments, int in);
    // False: both are at their end, or the limit has passed.
    bool read_more(std::chrono::steady_clock::time_point limit);

    pid_t pid_ = -1;
    int in_ = -1;
    int out_ = -1;
    int err_ = -1;
    ended result_;
};

} // namespace chat::testing
