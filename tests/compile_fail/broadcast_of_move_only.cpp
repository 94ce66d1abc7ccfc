// error: coir: every reader gets a copy; use std::shared_ptr<T const>
#include <coir/stream.hpp>

using shared = MISTAKE(std::unique_ptr<int>, std::shared_ptr<int const>);

auto all(coir::stream<shared> elements) { return std::move(elements) | coir::streams::broadcast(4); }
