// error: coir: this is not what the generator yields, or it has a name and cannot be copied: std::move it
#include <coir/stream.hpp>

#include <memory>

coir::stream<std::unique_ptr<int>> boxes() {
    auto box = std::make_unique<int>(3);
    co_yield MISTAKE(, std::move)(box);
}
