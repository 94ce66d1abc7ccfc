// Runs the test cases of an executable, and fails those that assert nothing or that
// leave something of the library alive.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "support/leak_check.hpp"

#include <iostream>

namespace {

int leaking_test_cases = 0;

class leak_listener : public Catch::TestEventListenerBase {
public:
    using TestEventListenerBase::TestEventListenerBase;

    void testCaseEnded(Catch::TestCaseStats const& stats) override {
        bool leaked = false;
        for (auto const& check : coir_test::leak_checks()) {
            if (long const live = check.live(); live != 0) {
                std::cout << stats.testInfo.name << ": FAILED, leaves " << live << ' ' << check.what << " alive\n";
                leaked = true;
            }
        }
        leaking_test_cases += leaked;
    }
};

} // namespace

CATCH_REGISTER_LISTENER(leak_listener)

int main(int argc, char* argv[]) {
    Catch::Session session;
    // A name that matches nothing must fail too: otherwise a test that ctest fails to
    // quote would count as passed.
    session.configData().warnings =
        static_cast<Catch::WarnAbout::What>(Catch::WarnAbout::NoAssertions | Catch::WarnAbout::NoTests);
    int const failures = session.run(argc, argv);
    return failures != 0 ? failures : leaking_test_cases;
}
