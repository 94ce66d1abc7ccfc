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
#include <memory>

namespace marble_diagrams {

using namespace std::chrono_literals;
namespace streams = coir::streams;

using gallery = std::vector<diagram>;

class figure {
public:
    figure(gallery& g, std::string name) : gallery_{g} { diagram_.name = std::move(name); }

    // A stream that goes in.
    auto source(std::string label, std::string_view text) {
        seen_.emplace_back();
        inputs_.push_back({std::move(label), line{text, 1s}});
        return board_.source(text, seen_.back());
    }
    // A signal that does.
    auto& signal(std::string label, std::string_view text) {
        marks(std::move(label), text);
        return board_.signal(text);
    }
    // What else happens from outside.
    void marks(std::string label, std::string_view text) {
        others_.push_back({std::move(label), line{text, 1s}, line{1s}, false});
    }
    coir::marbles::board& board() { return board_; }

    // `code` is what the box says that `pipeline` is.
    template <class S>
    void play(std::string code, S pipeline, coir::marbles::play_options options = {}) {
        line const out = board_.play(std::move(pipeline), options);
        constexpr std::string_view prefix = "streams::";
        diagram_.code = code.starts_with(prefix) ? code.substr(prefix.size()) : std::move(code);
        for (std::size_t i = 0; i != inputs_.size(); ++i) {
            diagram_.above.push_back({inputs_[i].first, inputs_[i].second, seen_[i], true});
        }
        for (drawn_line& s : others_) {
            diagram_.above.push_back(std::move(s));
        }
        diagram_.below.push_back({"", out, line{1s}, false});
        gallery_.push_back(std::move(diagram_));
    }

private:
    gallery& gallery_;
    coir::marbles::board board_{1s};
    std::deque<line> seen_;
    std::vector<std::pair<std::string, line>> inputs_;
    std::vector<drawn_line> others_;
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

} // namespace marble_diagrams
