// What the benchmarks of peers share: each names itself in its report, and waits as ours do.
#pragma once

#include "harness.hpp"

#include <array>
#include <optional>

namespace bench {

// To be defined once in each peer, as the initialiser of a global.
inline bool name_peer(char const* name) {
    benchmark::AddCustomContext("peer", name);
    benchmark::AddCustomContext("peer_version", BENCH_PEER_VERSION);
    return true;
}

// Coroutines that wait in turns in two sets of events; see await_first in deferred.cpp.
template <class Event>
struct relay {
    static constexpr std::size_t lanes = 100;

    std::array<std::optional<Event>, lanes> sets[2];
    std::optional<Event> all_woken;
    std::size_t woken = 0;
    bool stopping = false;

    void renew(std::size_t set) {
        for (auto& e : sets[set]) {
            e.emplace();
        }
    }
};

} // namespace bench
