// Where a coroutine awaits, for whoever asks later what its fiber is doing.
//
//     auto await_transform(A&& a, await_site at = await_site::current());
//
// A pointer to static data, stored with each co_await. COIR_NO_AWAIT_SITES leaves it out, and
// with it the names of files and functions that it keeps in a program.
#pragma once

#include <coir/detail/config.hpp>

#include <source_location>
#include <string_view>

namespace coir::inline v0::detail {

#if defined(COIR_NO_AWAIT_SITES)
struct await_site {
    static consteval await_site current() noexcept { return {}; }
    constexpr operator std::source_location() const noexcept { return {}; }
};
#else
using await_site = std::source_location;
#endif

// The folder of the library's headers, with the slash at its end.
consteval std::string_view library_folder() {
    constexpr std::string_view below = "detail/await_site.hpp";
    std::string_view const here = std::source_location::current().file_name();
    return here.substr(0, here.size() - below.size());
}

inline bool is_in_library(std::source_location at) noexcept {
    return std::string_view{at.file_name()}.starts_with(library_folder());
}

} // namespace coir::inline v0::detail
