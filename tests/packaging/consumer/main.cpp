#include <coir/deferred.hpp>

#include <iostream>

// One answer, set by whoever has it, seen by whoever asks.
int main() {
    coir::deferred<int> answer;
    bool const first = answer.succeed(42);
    bool const second = answer.succeed(7);
    if (!first || second || answer.poll()->value() != 42) {
        std::cerr << "the deferred does not hold the first value\n";
        return 1;
    }
    std::cout << "coir " << COIR_VERSION << ": " << answer.poll()->value() << '\n';
}
