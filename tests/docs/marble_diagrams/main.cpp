// Draws the marble diagrams of the documents, or checks that they are what would be drawn.
//     marble_diagrams --write docs/figures/marbles
//     marble_diagrams --check docs/figures/marbles
#include "gallery.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace fs = std::filesystem;
using namespace marble_diagrams;

namespace {

std::map<std::string, std::string> drawn() {
    gallery g;
    draw_time(g);
    draw_ending(g);
    draw_combining(g);
    std::map<std::string, std::string> files;
    for (diagram const& d : g) {
        files[d.name + ".svg"] = svg{d}.text();
    }
    return files;
}

std::string content(fs::path const& p) {
    std::ostringstream text;
    text << std::ifstream{p}.rdbuf();
    return std::move(text).str();
}

int check(fs::path const& folder) {
    auto const files = drawn();
    int wrong = 0;
    for (auto const& [name, text] : files) {
        if (content(folder / name) != text) {
            std::printf("%s is not what the operator does now; ./dev figures draws it anew\n", name.c_str());
            ++wrong;
        }
    }
    for (auto const& entry : fs::directory_iterator{folder}) {
        if (!files.contains(entry.path().filename().string())) {
            std::printf("%s is drawn by nothing\n", entry.path().filename().string().c_str());
            ++wrong;
        }
    }
    std::printf("%zu diagrams, %d wrong\n", files.size(), wrong);
    return wrong == 0 ? 0 : 1;
}

void write(fs::path const& folder) {
    fs::create_directories(folder);
    for (auto const& [name, text] : drawn()) {
        std::ofstream{folder / name} << text;
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view{argv[1]} == "--check") {
        return check(argv[2]);
    }
    if (argc == 3 && std::string_view{argv[1]} == "--write") {
        write(argv[2]);
        return 0;
    }
    std::puts("marble_diagrams --check <folder> | --write <folder>");
    return 2;
}
