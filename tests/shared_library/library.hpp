// A shared library with hidden visibility that uses coir beside the program that does.
#pragma once

#include <coir/fiber.hpp>

namespace shared_library {

#define EXPORTED __attribute__((visibility("default")))

// The current fiber, as the library sees it.
EXPORTED coir::fiber_id current_fiber();
// A child of the current fiber, forked and joined inside the library.
EXPORTED coir::task<int> forty_two();

} // namespace shared_library
