// error: coir: this is not what the generator yields
#include <coir/stream.hpp>

#include <string>

coir::stream<std::string> words(int n) { co_yield MISTAKE(n, std::to_string(n)); }
