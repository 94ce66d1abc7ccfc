// error: temporary whose address is used as value of local variable 't' will be destroyed
// only: Clang
#define COIR_LIFETIMEBOUND_TASKS
#include <coir/task.hpp>

#include <string>

coir::task<int> length(std::string const& of);

coir::task<int> caller() {
    std::string const text = "four";
    auto t = length(MISTAKE("four", text));
    co_return co_await std::move(t);
}
