// error: coir: unfold takes a function that returns a std::optional, nothing for the end, or a task of one
#include <coir/stream.hpp>

int next(int&);
std::optional<int> next_if_any(int&);

auto all() { return coir::streams::unfold(1, MISTAKE(next, next_if_any)); }
