// The streams that boards of marbles make.
#pragma once

#include <coir/stream/concept.hpp>
#include <coir/testing/marble_line.hpp>

#include <charconv>
#include <concepts>

namespace coir::inline v0::marbles {

// What sources fail with: the name behind the #.
struct failure {
    std::string name;
    bool operator==(failure const&) const = default;
};
inline std::string marble_name(failure const& f) { return f.name; }

// What sources throw: the name behind the *.
class defect : public std::runtime_error {
public:
    explicit defect(std::string const& name) : runtime_error{name} {}
};

} // namespace coir::inline v0::marbles

namespace coir::inline v0::detail {

// Writes down what happens to a stream, as long as its board plays.
class marble_recorder {
public:
    marble_recorder(marbles::line& out, scheduler const& s, std::optional<clock::time_point> const& begin)
        : out_{&out}, scheduler_{&s}, begin_{&begin} {}

    void add(marble_kind what, std::string name = {}) {
        if (*begin_) {
            out_->add(marble_event{scheduler_->now() - **begin_, what, std::move(name)});
        }
    }

private:
    marbles::line* out_;
    scheduler const* scheduler_;
    std::optional<clock::time_point> const* begin_; // of the play, while it lasts
};

// The element that is called `name`.
template <class T>
T marble_element(std::string const& name) {
    if constexpr (std::same_as<T, char>) {
        if (name.size() == 1) {
            return name[0];
        }
    } else if constexpr (std::same_as<T, std::string>) {
        return name;
    } else {
        static_assert(std::integral<T>, "coir: elements of marbles are char, std::string or integers; make others "
                                        "from them with streams::transform");
        T n{};
        auto const [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), n);
        if (wrong == std::errc{} && end == name.data() + name.size()) {
            return n;
        }
    }
    throw std::invalid_argument{"coir: an element called {" + name + "} is not of the type of this source"};
}

// Goes along the events; each is due at a time since the first pull, or since `begin`.
template <class T>
class marble_source {
public:
    using value_type = T;
    using error_type = marbles::failure;

    marble_source(std::vector<marble_event> events, marble_recorder* seen, std::optional<clock::time_point> begin)
        : events_{std::move(events)}, seen_{seen}, begin_{begin}, misses_{begin.has_value()} {
        for (marble_event const& e : events_) {
            if (e.what == marble_kind::element) {
                static_cast<void>(detail::marble_element<T>(e.name));
            } else if (e.what == marble_kind::closing) {
                throw std::invalid_argument{"coir: a source of marbles does not close itself"};
            }
        }
    }

    status poll_next(fiber_base& f, std::optional<T>& out) {
        begin(f.where().now());
        if (!wait_) {
            wait_.emplace(at_ == events_.size() ? (clock::time_point::max)()
                                                : deadline_after(*begin_, events_[at_].at));
        }
        status const s = wait_->poll(f);
        if (has_ended(s)) {
            wait_.reset();
            return s == status::value ? give(out) : note(marble_kind::interruption, s);
        }
        return s;
    }

    status poll_close(fiber_base&) {
        if (begun_ && !ended_) {
            static_cast<void>(note(marble_kind::closing, status::value));
        }
        return status::value;
    }

    marbles::failure error() { return marbles::failure{events_[at_].name}; }
    std::exception_ptr defect() const noexcept { return nullptr; } // it throws
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    void begin(clock::time_point now) {
        if (std::exchange(begun_, true)) {
            return;
        }
        begin_ = begin_.value_or(now);
        while (misses_ && at_ != events_.size() && *begin_ + events_[at_].at < now && !is_last(events_[at_].what)) {
            ++at_;
        }
    }

    status give(std::optional<T>& out) {
        marble_event const& e = events_[at_];
        switch (e.what) {
        case marble_kind::element:
            out.emplace(detail::marble_element<T>(e.name));
            ++at_;
            if (seen_ != nullptr) {
                seen_->add(e.what, e.name);
            }
            return status::value;
        case marble_kind::end: return note(e.what, status::end);
        case marble_kind::failure: return note(e.what, status::failure);
        case marble_kind::interruption: return note(e.what, status::interrupted);
        case marble_kind::defect:
        case marble_kind::closing: break;
        }
        static_cast<void>(note(e.what, status::defect));
        throw marbles::defect{e.name};
    }

    status note(marble_kind what, status s) {
        ended_ = true;
        if (seen_ != nullptr) {
            seen_->add(what, what == marble_kind::failure || what == marble_kind::defect ? events_[at_].name : "");
        }
        return s;
    }

    std::vector<marble_event> events_;
    std::size_t at_ = 0;
    marble_recorder* seen_;
    std::optional<clock::time_point> begin_;
    std::optional<sleeping> wait_;
    bool misses_;
    bool begun_ = false;
    bool ended_ = false;
};

} // namespace coir::inline v0::detail
