// Headers may be included in any order: what streams bring along of others is whole.
#include <coir/stream.hpp>

#include <coir/combine.hpp>

coir::task<int> answer();

coir::task<> waits() { co_await coir::when_all(answer(), answer()); }
