// error: coir: filter takes a function of one element that returns bool, or a task of bool
#include <coir/stream.hpp>

coir::task<int> is_good(int);
bool is_even(int);

auto good(std::vector<int> numbers) {
    return coir::streams::from(std::move(numbers)) | coir::streams::filter(MISTAKE(is_good, is_even));
}
