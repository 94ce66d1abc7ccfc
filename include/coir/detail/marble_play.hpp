// The fibers of a board of marbles.
#pragma once

#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/stream/sinks.hpp>
#include <coir/task.hpp>
#include <coir/testing/marble_name.hpp>
#include <coir/testing/marble_source.hpp>

namespace coir::inline v0::detail {

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

// Writes down the end of a consumer: of one that is being left, that it was interrupted.
class marble_end {
public:
    explicit marble_end(marble_recorder& out) noexcept : out_{out} {}
    marble_end(marble_end const&) = delete;
    marble_end& operator=(marble_end const&) = delete;
    ~marble_end() { out_.add(what_, std::move(name_)); }

    template <class T, class E>
    void is(outcome<T, E> const& end) {
        if (end.is_success()) {
            what_ = marble_kind::end;
        } else if (end.is_defect()) {
            what_ = marble_kind::defect;
            name_ = detail::name_of_thrown(end.defect());
        } else if constexpr (!std::same_as<E, never>) {
            if (end.is_failure()) {
                what_ = marble_kind::failure;
                name_ = detail::name_of_marble(end.error());
            }
        }
    }

private:
    marble_recorder& out_;
    marble_kind what_ = marble_kind::interruption;
    std::string name_;
};

template <class S>
task<> consume_marbles(S pipeline, marble_recorder* out, clock::duration takes) {
    marble_end end{*out};
    auto note = [out, takes](typename S::value_type const& element) {
        out->add(marble_kind::element, detail::name_of_marble(element));
        return sleep_for(takes);
    };
    end.is(co_await as_outcome(std::move(pipeline) | streams::for_each(note)));
}

} // namespace coir::inline v0::detail
