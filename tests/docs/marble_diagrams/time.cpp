// The operators of time.
#include "gallery.hpp"

namespace marble_diagrams {

using namespace coir::streams;

namespace {

coir::task<> flush_after(std::chrono::seconds d, flush_handle flush) {
    co_await coir::sleep_for(d);
    flush.flush();
}

} // namespace

void draw_time(gallery& g) {
    COIR_FIGURE(g, "debounce", "abc----d----e-|", debounce(2s));
    COIR_FIGURE(g, "debounce_leading", "abc----d----e-|", debounce(2s, {.leading = true}));
    COIR_FIGURE(g, "debounce_max_wait", "abcdefghi----j-|", debounce(2s, {.max_wait = 3500ms}));
    COIR_FIGURE(g, "debounce_failure", "ab----cd#{late}", debounce(2s));
    COIR_FIGURE(g, "debounce_collect", "abc-----defghi---|", debounce_collect(2s, 4s, 100));
    COIR_FIGURE(g, "throttle", "(abc)------de----f-|", throttle(2s));
    COIR_FIGURE(g, "throttle_dropped", "(abc)------de----f-|", throttle(2s, {.excess = excess::is_dropped}));
    COIR_FIGURE(g, "throttle_burst", "(abcd)---------(efgh)----|", throttle(2s, {.burst = 3}));
    COIR_FIGURE(g, "spaced", "(abc)-----d----|", spaced(2s));
    COIR_FIGURE(g, "sample", "abc-de--------f---g-|", sample(3s));
    COIR_FIGURE(g, "chunk_within", "abcd------e-f------gh|", chunk_within(3, 4s));
    COIR_FIGURE(g, "timeout", "-----a-b------c--|", streams::timeout(3s));
    COIR_FIGURE(g, "timeout_fail", "-----a-b------c--|", timeout_fail(3s, "late"));
    COIR_FIGURE(g, "timeout_first", "-----a---b----c--|", timeout_first(3s, "slow"));
    COIR_FIGURE(g, "timeout_total", "a-b---c------d--|", timeout_total(9s, "over"));
    {
        figure f{g, "interval"};
        f.play("interval(2s) | take(4)", interval(2s) | take(4));
    }
    {
        figure f{g, "debounce_collect_flush"};
        flush_handle flush;
        f.board().scheduler().start(flush_after, 4s, flush);
        auto in = f.source("", "a-b-----c--d|");
        f.marks("flush", "----f");
        f.play("debounce_collect(5s, 9s, 100, flush)", std::move(in) | debounce_collect(5s, 9s, 100, flush));
    }
    {
        figure f{g, "debounce_interrupted"};
        auto in = f.source("", "a----b-c---d--|");
        f.play("debounce(2s), interrupted", std::move(in) | debounce(2s), {.interrupted_at = 8s});
    }
    {
        figure f{g, "debounce_left"};
        auto in = f.source("", "a----b-c---d--|");
        f.play("debounce(1500ms) | take(2)", std::move(in) | debounce(1500ms) | take(2));
    }
}

} // namespace marble_diagrams
