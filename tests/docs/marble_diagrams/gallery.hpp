// What the diagrams show: plays of real pipelines, one second a dash.
//
//     figure f{g, "merge"};
//     auto a = f.source("a", "a--b-|");
//     auto b = f.source("b", "-c-d|");
//     f.play("merge(a, b)", streams::merge(std::move(a), std::move(b)));
#pragma once

#include "drawing.hpp"

#include <coir/stream.hpp>

#include <chrono>
#include <deque>
#include <string>
#include <utility>

namespace marble_diagrams {

using namespace std::chrono_literals;
namespace streams = coir::streams;

using gallery = std::vector<diagram>;

class figure {
public:
    figure(gallery& g, std::string name) : gallery_{g} { diagram_.name = std::move(name); }

    // A stream that goes in, drawn as what it would give.
    auto source(std::string label, std::string_view text) {
        inputs_.push_back({std::move(label), line{text, 1s}, {}, true});
        return board_.source(text, inputs_.back().seen);
    }
    // The same, drawn as what was pulled from it.
    auto pulled_source(std::string label, std::string_view text) {
        inputs_.push_back({std::move(label), line{1s}, {}, false});
        return board_.source(text, inputs_.back().what);
    }
    // A signal that does.
    auto& signal(std::string label, std::string_view text) {
        marks(std::move(label), text);
        return board_.signal(text);
    }
    // What else happens from outside.
    void marks(std::string label, std::string_view text) {
        inputs_.push_back({std::move(label), line{text, 1s}, line{1s}, false});
    }
    coir::marbles::board& board() { return board_; }

    // `code` is what the box says that `pipeline` is.
    template <class S>
    void play(std::string code, S pipeline, coir::marbles::play_options options = {}) {
        line const out = board_.play(std::move(pipeline), options);
        show(std::move(code), {{"", out}});
    }
    // What consumers of a run of the board have seen.
    void show(std::string code, std::vector<std::pair<std::string, line>> outputs) {
        constexpr std::string_view prefix = "streams::";
        diagram_.code = code.starts_with(prefix) ? code.substr(prefix.size()) : std::move(code);
        for (drawn_line& l : inputs_) {
            diagram_.above.push_back(std::move(l));
        }
        for (auto& [label, seen] : outputs) {
            diagram_.below.push_back({std::move(label), std::move(seen), line{1s}, false});
        }
        gallery_.push_back(std::move(diagram_));
    }

private:
    gallery& gallery_;
    std::deque<drawn_line> inputs_; // what is seen of them is written there
    coir::marbles::board board_{1s};
    diagram diagram_;
};

// One source through one stage; the text of the box is the code that runs.
#define COIR_FIGURE(gallery, name, text, ...)                                                                          \
    do {                                                                                                               \
        figure coir_figure{gallery, name};                                                                             \
        auto coir_source = coir_figure.source("", text);                                                               \
        coir_figure.play(#__VA_ARGS__, std::move(coir_source) | __VA_ARGS__);                                          \
    } while (false)

void draw_time(gallery& g);
void draw_ending(gallery& g);
void draw_combining(gallery& g);

} // namespace marble_diagrams
