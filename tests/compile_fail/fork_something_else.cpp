// error: coir: this takes a task, or a callable that returns one
#include <coir/fiber.hpp>

coir::task<> work();
int compute();

void start() { coir::fork(MISTAKE(compute, work)); }
