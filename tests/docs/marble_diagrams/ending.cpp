// The operators that end a stream.
#include "gallery.hpp"

namespace marble_diagrams {

namespace {

constexpr char const* letters = "a---b---c---d-|";

} // namespace

void draw_ending(gallery& g) {
    COIR_FIGURE(g, "interrupt_after", letters, streams::interrupt_after(6s));
    COIR_FIGURE(g, "halt_after", letters, streams::halt_after(6s));
    {
        figure f{g, "interrupt_when"};
        auto in = f.source("", letters);
        auto& stop = f.signal("stop", "------|");
        f.play("interrupt_when(stop)", std::move(in) | streams::interrupt_when(stop));
    }
    {
        figure f{g, "interrupt_when_failure"};
        auto in = f.source("", letters);
        auto& stop = f.signal("stop", "------#{off}");
        f.play("interrupt_when(stop)", std::move(in) | streams::interrupt_when(stop));
    }
    {
        figure f{g, "halt_when"};
        auto in = f.source("", letters);
        auto& stop = f.signal("stop", "------|");
        f.play("halt_when(stop)", std::move(in) | streams::halt_when(stop));
    }
}

} // namespace marble_diagrams
