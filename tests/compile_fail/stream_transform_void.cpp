// error: coir: transform takes a function that returns something; what is done for its effect is tap, or for_each
#include <coir/stream.hpp>

void show(int);

auto shown(coir::stream<int> numbers) {
    return std::move(numbers) | MISTAKE(coir::streams::transform, coir::streams::tap)(show);
}
