// error: coir: zip takes streams, as rvalues: zip\(std::move\(other\)\)
#include <coir/stream.hpp>

#include <vector>

auto numbered(coir::stream<char> letters, std::vector<int> numbers) {
    return std::move(letters) | coir::streams::zip(MISTAKE(, coir::streams::from)(std::move(numbers)));
}
