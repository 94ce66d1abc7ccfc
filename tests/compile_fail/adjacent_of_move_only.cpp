// error: coir: adjacent copies elements, as each is in several groups
#include <coir/stream.hpp>

#include <memory>

using number = MISTAKE(std::unique_ptr<int>, int);

auto pairs(std::vector<number> numbers) { return coir::streams::from(std::move(numbers)) | coir::streams::adjacent(); }
