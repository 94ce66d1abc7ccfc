// error: temporary whose address is used as value of local variable 'adding' will be destroyed
// only: Clang
#include <coir/sync/queue.hpp>
#include <coir/task.hpp>

#include <string>

coir::task<> add(coir::queue<std::string>& q) {
    std::string text = "four";
    auto adding = q.push(MISTAKE(std::string{"four"}, std::move(text)));
    co_await std::move(adding);
}
