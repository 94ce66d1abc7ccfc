// The fibers of a board of marbles.
#pragma once

#include <coir/deferred.hpp>
#include <coir/stream/sinks.hpp>
#include <coir/task.hpp>
#include <coir/testing/marble_name.hpp>
#include <coir/testing/marble_source.hpp>

namespace coir::inline v0::detail {

template <class S>
task<void, typename S::error_type> consume_marbles(S pipeline, marble_recorder* out, clock::duration takes) {
    auto note = [out, takes](typename S::value_type const& element) {
        out->add(marble_kind::element, detail::name_of_marble(element));
        return sleep_for(takes);
    };
    co_await (std::move(pipeline) | streams::for_each(note));
}

template <class Fiber>
task<> interrupt_at(Fiber f, clock::time_point when) {
    co_await sleep_until(when);
    f.request_interrupt();
}

inline task<> sleep_through(clock::time_point last) { co_await sleep_until(last); }

inline std::string name_of_thrown(std::exception_ptr const& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (std::exception const& e) {
        return e.what();
    } catch (...) {
        return {};
    }
}

inline task<> raise_signal(deferred<void, marbles::failure>* signal, clock::time_point begin, marble_event e) {
    co_await sleep_until(deadline_after(begin, e.at));
    switch (e.what) {
    case marble_kind::failure: signal->fail(marbles::failure{std::move(e.name)}); break;
    case marble_kind::defect: signal->die(std::make_exception_ptr(marbles::defect{e.name})); break;
    case marble_kind::interruption: signal->interrupt(); break;
    case marble_kind::element:
    case marble_kind::end:
    case marble_kind::closing: signal->succeed(); break;
    }
}

template <class E>
void record_end(marble_recorder& out, outcome<void, E> const& end) {
    if (end.is_success()) {
        out.add(marble_kind::end);
    } else if (end.is_interrupted()) {
        out.add(marble_kind::interruption);
    } else if (end.is_defect()) {
        out.add(marble_kind::defect, detail::name_of_thrown(end.defect()));
    } else if constexpr (!std::same_as<E, never>) {
        out.add(marble_kind::failure, detail::name_of_marble(end.error()));
    }
}

} // namespace coir::inline v0::detail
