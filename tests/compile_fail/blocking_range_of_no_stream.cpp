// error: coir: this is no stream; begin with streams::from or another source
#include <coir/runtime/thread_pool.hpp>
#include <coir/stream.hpp>

auto read(coir::thread_pool& pool, std::vector<int> numbers) {
    return coir::blocking_range(pool, MISTAKE(std::move, coir::streams::from)(numbers));
}
