// error: coir: join_all copies the values, which stay with the fibers
#include <coir/fiber.hpp>

#include <memory>

coir::task<> joins(std::vector < coir::fiber < std::MISTAKE(unique_ptr, shared_ptr) < int >>> fibers) {
    co_await coir::join_all(fibers);
}
