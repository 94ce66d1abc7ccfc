#include <coir/stream/text/line_buffer.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

using namespace std::literals;

namespace {

std::size_t operations = 0; // bytes compared, copied or moved

struct counting_traits : std::char_traits<char> {
    using base = std::char_traits<char>;

    static bool eq(char a, char b) noexcept {
        ++operations;
        return base::eq(a, b);
    }
    static char* copy(char* to, char const* from, std::size_t n) {
        operations += n;
        return base::copy(to, from, n);
    }
    static char* move(char* to, char const* from, std::size_t n) {
        operations += n;
        return base::move(to, from, n);
    }
    using base::assign;
    static void assign(char& to, char const& from) noexcept {
        ++operations;
        base::assign(to, from);
    }
};

// What line_splitter does with it: feed a chunk, take every complete line.
std::size_t operations_for(std::string_view input, std::size_t chunk, bool take = true) {
    operations = 0;
    coir::detail::line_buffer<counting_traits> bytes;
    for (; !input.empty(); input.remove_prefix((std::min)(chunk, input.size()))) {
        bytes.append(input.substr(0, chunk));
        for (std::size_t end = 0; take && (end = bytes.find_line_end()) < bytes.size();)
            bytes.take(end + 1);
    }
    return operations;
}

std::string lines_of(std::size_t length, std::size_t total) {
    std::string text;
    while (text.size() < total)
        text.append(length, 'x').append("\n");
    return text;
}

} // namespace

TEST_CASE("line buffer: work is linear however the input is cut") {
    constexpr std::size_t total = std::size_t{1} << 20;
    for (std::size_t const length : {std::size_t{1}, std::size_t{10}, std::size_t{1000}, total / 2, total})
        for (std::size_t const chunk : {std::size_t{1}, std::size_t{7}, std::size_t{16384}, 2 * total}) {
            auto const text = lines_of(length, total);
            INFO("lines of " << length << ", chunks of " << chunk);
            // two comparisons, one copy in, at most two when growing, at most one when compacting
            CHECK(operations_for(text, chunk) <= 6 * text.size() + 1000);
            CHECK(operations_for(text, chunk) >= 2 * text.size());
        }
}

TEST_CASE("line buffer: an input that is fed and not taken costs its copies alone") {
    auto const text = lines_of(10, std::size_t{1} << 18);
    CHECK(operations_for(text, 1, false) <= 4 * text.size() + 1000);
}

TEST_CASE("line buffer: taking from a long backlog does not move the backlog every time") {
    std::size_t const backlog = 5000;
    coir::detail::line_buffer<counting_traits> bytes;
    bytes.append(lines_of(10, backlog * 11));
    operations = 0;
    for (std::size_t round = 0; round < backlog; ++round) {
        bytes.take(bytes.find_line_end() + 1);
        bytes.append("0123456789\n");
    }
    CHECK(operations <= 6 * backlog * 11);
}

TEST_CASE("line buffer: what was taken makes room for what comes") {
    coir::detail::line_buffer<> bytes;
    char const* place = nullptr;
    bool moved = false;
    for (int round = 0; round < 1000; ++round) {
        bytes.append(std::string(100, 'x') + '\n');
        auto const line = bytes.take(bytes.find_line_end());
        bytes.take(1);
        moved = moved || (place != nullptr && place != line.data());
        place = line.data();
    }
    CHECK_FALSE(moved);
}

TEST_CASE("line buffer: what was taken stays readable until the next append") {
    coir::detail::line_buffer<> bytes;
    bytes.append("one\ntwo\nrest");
    auto const one = bytes.take(bytes.find_line_end());
    CHECK(bytes.front() == '\n');
    bytes.take(1);
    auto const two = bytes.take(bytes.find_line_end());
    CHECK(one == "one");
    CHECK(two == "two");
    bytes.take(1);
    CHECK(bytes.find_line_end() == bytes.size());
    CHECK(bytes.size() == 4);
    bytes.append("!\n");
    CHECK(bytes.take(bytes.find_line_end()) == "rest!");
    bytes.release();
    CHECK(bytes.size() == 0);
    CHECK(bytes.find_line_end() == 0);
}
