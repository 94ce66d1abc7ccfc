// error: coir: a task is run once, and passed on as an rvalue: std::move\(t\)
#include <coir/fiber.hpp>

auto start(coir::task<int> t) { return coir::fork(MISTAKE(, std::move)(t)); }
