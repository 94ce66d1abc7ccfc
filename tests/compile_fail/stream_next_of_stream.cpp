// error: coir: next pulls what with_stream gives its body
#include <coir/stream.hpp>

coir::stream<int> numbers();

coir::task<> first() {
    auto all = numbers();
    auto body = [&](auto& in) -> coir::task<> { co_await coir::next(MISTAKE(all, in)); };
    co_await coir::with_stream(numbers(), body);
}
