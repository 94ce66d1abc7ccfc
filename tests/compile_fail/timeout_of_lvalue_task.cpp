// error: coir: what is awaited once is passed on as an rvalue: std::move\(t\)
#include <coir/interrupt.hpp>

auto limited(coir::task<int> t) { return coir::timeout(MISTAKE(, std::move)(t), std::chrono::seconds{1}); }
