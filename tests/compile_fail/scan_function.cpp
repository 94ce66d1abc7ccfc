// error: coir: scan takes a start value and a function of state and element
#include <coir/stream.hpp>

#include <string>

int add(int, int);
int length(int, std::string const&);

auto sums(std::vector<std::string> words) {
    return coir::streams::from(std::move(words)) | coir::streams::scan(0, MISTAKE(add, length));
}
