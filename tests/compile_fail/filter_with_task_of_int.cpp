// error: coir: filter takes a function of one element that returns bool, or a task of bool
// [S5]
#include <coir/stream.hpp>

coir::task<int> rank(int);
coir::task<bool> is_good(int);

auto good(std::vector<int> numbers) {
    return coir::streams::from(std::move(numbers)) | coir::streams::filter(MISTAKE(rank, is_good));
}
