// error: coir: a stage takes its time as a std::chrono::duration, such as 300ms
#include <coir/stream.hpp>

auto quiet(coir::stream<int> keys) {
    using namespace std::chrono_literals;
    return std::move(keys) | coir::streams::debounce(MISTAKE(300, 300ms));
}
