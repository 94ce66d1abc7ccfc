// error: coir: filter takes a function of one element that returns bool, or a task of bool
#include <coir/stream.hpp>

int digits(int);
bool is_good(int);

auto good(std::vector<int> numbers) {
    return coir::streams::from(std::move(numbers)) | coir::streams::filter(MISTAKE(digits, is_good));
}
