// error: coir: partition takes a function of one element that returns bool
// [S5]
#include <coir/stream.hpp>

coir::task<bool> is_good(int);
bool is_even(int);

auto sides(coir::scope<>& s, coir::stream<int> numbers) {
    return std::move(numbers) | coir::streams::partition(s, MISTAKE(is_good, is_even));
}
