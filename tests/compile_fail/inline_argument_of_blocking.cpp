// error: coir: GCC 12.2 destroys this aggregate twice; write
// only: GNU
#include <coir/runtime/blocking.hpp>

#include <string>

struct request {
    std::string path;
};
void send(request);

auto sends() {
    request r{"/"};
    return coir::blocking(send, MISTAKE(std::move, coir::moved)(r));
}
