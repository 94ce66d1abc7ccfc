// error: coir: from copies the elements of a range that has a name
#include <coir/stream.hpp>

#include <memory>

auto all(std::vector<std::unique_ptr<int>> ones) { return coir::streams::from(MISTAKE(ones, std::move(ones))); }
