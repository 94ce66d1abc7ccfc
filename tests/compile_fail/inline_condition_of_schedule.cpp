// error: coir: GCC 12.2 destroys this closure twice; write
// only: GNU
#include <coir/schedule.hpp>

#include <memory>

auto while_it_lasts(std::shared_ptr<int> left) {
    return coir::recurs(2).while_error([MISTAKE(, &) left](int) { return *left > 0; });
}
