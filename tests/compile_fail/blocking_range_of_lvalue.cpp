// error: coir: a pipeline is passed on as an rvalue: std::move\(pipeline\)
#include <coir/runtime/thread_pool.hpp>
#include <coir/stream.hpp>

auto read(coir::thread_pool& pool, coir::stream<int> numbers) {
    return coir::blocking_range(pool, MISTAKE(, std::move)(numbers));
}
