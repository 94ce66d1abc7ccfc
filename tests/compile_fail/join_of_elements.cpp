// error: of join, each element is one
#include <coir/stream.hpp>

using element = MISTAKE(int, std::vector<int>);

auto all(std::vector<element> elements) { return coir::streams::from(std::move(elements)) | coir::streams::join(); }
