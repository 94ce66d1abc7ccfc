#include <coir/version.hpp>

#include <catch2/catch.hpp>

TEST_CASE("the version compares as one number") {
    CHECK(COIR_VERSION >= 100);
    CHECK(COIR_VERSION == COIR_VERSION_MAJOR * 10000 + COIR_VERSION_MINOR * 100 + COIR_VERSION_PATCH);
}
