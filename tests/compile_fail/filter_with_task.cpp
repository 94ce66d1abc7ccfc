// error: filter takes a function of one element that returns bool
#include <coir/stream.hpp>

coir::task<bool> is_good(int);
bool is_even(int);

auto good(std::vector<int> numbers) {
#ifdef COIR_TEST_FIXED
    return coir::streams::from(std::move(numbers)) | coir::streams::filter(is_even);
#else
    return coir::streams::from(std::move(numbers)) | coir::streams::filter(is_good);
#endif
}
