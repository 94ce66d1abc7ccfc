// The table behind fiber_map: grows by a bucket at a time, with memory that is given from outside.
#include <coir/detail/hash_index.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

using coir::detail::hash_entry;
using coir::detail::hash_index;

namespace {

struct entry : hash_entry {
    using hash_entry::hash_entry;
};

void give_what_it_wants(hash_index& index) {
    if (std::size_t const n = index.wants(); n != 0) {
        auto segment = std::make_unique<hash_index::bucket[]>(n);
        index.give(segment, n);
        CHECK(segment == nullptr);
    }
}

// How many entries with the hash of `e` there are, and whether it is one of them.
std::size_t count(hash_index const& index, entry const& e, bool& found) {
    std::size_t n = 0;
    found = false;
    for (hash_entry* at = index.first(e.hash()); at != nullptr; at = hash_index::next(*at)) {
        ++n;
        found = found || at == &e;
    }
    return n;
}

} // namespace

TEST_CASE("entries are found by their hash, through growth, with room and without") {
    for (bool const with_room : {true, false}) {
        std::minstd_rand dice{7};
        std::vector<std::unique_ptr<entry>> entries;
        hash_index index;
        std::vector<std::size_t> of_hash(500);
        for (int i = 0; i < 1000; ++i) {
            auto const h = static_cast<std::uint64_t>(dice() % 500);
            ++of_hash[h];
            entries.push_back(std::make_unique<entry>(h));
            if (with_room) {
                give_what_it_wants(index);
            }
            index.insert(*entries.back());
        }
        CHECK(index.size() == 1000);
        CHECK(index.wants() == (with_room ? 0 : 8));
        std::size_t wrong = 0;
        bool found = false;
        for (auto const& e : entries) {
            wrong += count(index, *e, found) != of_hash[e->hash()] || !found;
        }
        CHECK(wrong == 0);
        std::shuffle(entries.begin(), entries.end(), dice);
        while (!entries.empty()) {
            entry& e = *entries.back();
            index.erase(e);
            wrong += count(index, e, found) != --of_hash[e.hash()] || found;
            entries.pop_back();
        }
        CHECK(wrong == 0);
        CHECK(index.size() == 0);
    }
}

TEST_CASE("who walks through the entries of a hash while others make the table grow misses none") {
    for (std::uint64_t h = 0; h < 64; ++h) {
        std::vector<std::unique_ptr<entry>> entries;
        hash_index index;
        auto const insert = [&](std::uint64_t hash) {
            entries.push_back(std::make_unique<entry>(hash));
            give_what_it_wants(index);
            index.insert(*entries.back());
        };
        for (int i = 0; i < 4; ++i) {
            insert(h);
        }
        std::size_t seen = 0;
        for (hash_entry* at = index.first(h); at != nullptr; at = hash_index::next(*at)) {
            CHECK(at == entries[3 - seen].get());
            ++seen;
            for (std::uint64_t i = 0; i < 8; ++i) {
                insert(1000 + i);
            }
        }
        CHECK(seen == 4);
    }
}

TEST_CASE("entries that come and go need no more room than there are at once") {
    hash_index index;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        entry one{i};
        entry other{i};
        index.insert(one);
        index.insert(other);
        CHECK(index.wants() == 0);
        index.erase(one);
        index.erase(other);
    }
    CHECK(index.first(1) == nullptr);
}

TEST_CASE("room that somebody else has given meanwhile is not taken twice") {
    std::vector<std::unique_ptr<entry>> entries;
    hash_index index;
    while (index.wants() == 0) {
        entries.push_back(std::make_unique<entry>(entries.size()));
        index.insert(*entries.back());
    }
    std::size_t const n = index.wants();
    auto first = std::make_unique<hash_index::bucket[]>(n);
    auto second = std::make_unique<hash_index::bucket[]>(n);
    index.give(first, n);
    index.give(second, n);
    CHECK(first == nullptr);
    CHECK(second != nullptr);
    for (auto const& e : entries) {
        index.erase(*e);
    }
    CHECK(index.size() == 0);
}
