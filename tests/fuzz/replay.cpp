// Runs a fuzz target once on each file that it is given: what the fuzzer has found stays found, with
// every compiler. Named files, or all of a folder.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

int run(std::filesystem::path const& file) {
    std::ifstream in{file, std::ios::binary};
    std::vector<char> const bytes{std::istreambuf_iterator<char>{in}, {}};
    // In a block of its own size, so that a sanitizer sees a read past its end.
    return LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
}

} // namespace

int main(int argc, char* argv[]) {
    int count = 0;
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) {
            count += run(argv[i]) == 0 ? 1 : 0;
            continue;
        }
        for (auto const& entry : std::filesystem::directory_iterator{argv[i]}) {
            count += run(entry.path()) == 0 ? 1 : 0;
        }
    }
    std::printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
