// error: coir: what is awaited once is passed on as an rvalue: std::move\(t\)
#include <coir/combine.hpp>

auto first(coir::task<int> a, coir::task<int> b) { return coir::race(std::move(a), MISTAKE(, std::move)(b)); }
