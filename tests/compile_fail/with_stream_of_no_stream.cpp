// error: coir: this is no stream; begin with streams::from or another source
#include <coir/stream.hpp>

auto read(std::vector<int> numbers) {
    auto body = [](auto& in) -> coir::task<> { co_await coir::next(in); };
    return coir::with_stream(MISTAKE(std::move, coir::streams::from)(numbers), body);
}
