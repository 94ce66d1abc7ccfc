// error: coir: a pipeline is passed on as an rvalue: std::move\(pipeline\)
#include <coir/stream.hpp>

bool is_even(int);

auto even(std::vector<int> numbers) {
    auto all = coir::streams::from(numbers);
    return MISTAKE(, std::move)(all) | coir::streams::filter(is_even);
}
