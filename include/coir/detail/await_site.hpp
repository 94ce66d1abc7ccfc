// Where a coroutine awaits, for whoever asks later what its fiber is doing.
//
//     auto await_transform(A&& a, await_site at = await_site::current());
//
// A pointer to static data, stored with each co_await. COIR_NO_AWAIT_SITES leaves it out, and
// with it the names of files and functions that it keeps in a program.
#pragma once

#include <coir/detail/config.hpp>

#include <cstddef>
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

// The last two folders of the path of the library's headers, with the slash at its end. The rest of
// it does not count: a precompiled header may know a file by a relative name, who includes it by an
// absolute one.
consteval std::string_view library_folder() {
    constexpr std::string_view below = "detail/await_site.hpp";
    constexpr std::string_view slashes = "/\\";
    std::string_view folder = std::source_location::current().file_name();
    folder.remove_suffix(below.size());
    std::size_t const last = folder.find_last_of(slashes, folder.size() - 2);
    std::size_t const before = last == folder.npos || last == 0 ? folder.npos : folder.find_last_of(slashes, last - 1);
    return before == folder.npos ? folder : folder.substr(before + 1);
}

inline bool is_in_library(std::source_location at) noexcept {
    return std::string_view{at.file_name()}.find(library_folder()) != std::string_view::npos;
}

} // namespace coir::inline v0::detail
