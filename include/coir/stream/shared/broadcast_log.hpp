// What was pulled for several readers, each of which gets all of it.
#pragma once

#include <coir/detail/pubsub_log.hpp>
#include <coir/sync/queue_capacity.hpp>

#include <utility>

namespace coir::inline v0::detail {

// An element is made once and shared by the readers. All but seal() and open() are called
// under the lock of the run.
template <class T>
class broadcast_log {
    using overflow = queue_capacity::overflow;

public:
    using value_type = T;
    using item = message_ptr<T>;  // on its way in
    using taken = message_ptr<T>; // on its way out; empty: there is none
    using bin = message_bin<T>;   // for what is destroyed after the lock
    using memory = typename pubsub_log<T>::memory;
    using reader = subscriber<T>;

    explicit broadcast_log(queue_capacity c) noexcept : capacity_{c} {}

    static item seal(T&& element) { return item{new message<T>{std::in_place, std::move(element)}}; }
    // A copy, or for the last one to read it the element itself.
    static T open(taken&& t) { return t.is_only_one() ? std::move(*t->value) : *t->value; }

    void join(reader& r) noexcept { log_.join(r); }
    void leave(reader& r, bin& old) noexcept {
        log_.leave(r);
        log_.drop_read(old);
    }

    bool waits_for_room() const noexcept { return is_full() && capacity_.when_full() == overflow::waits; }
    bool has_memory(item const&) const noexcept { return log_.has_room(); }
    memory more_memory(item const&) const { return memory{log_.grown()}; }
    void take_memory(item const&, memory& m) noexcept { log_.move_into(m); }

    void append(item& i, bin& old) noexcept {
        if (is_full() && capacity_.when_full() == overflow::drops_newest) {
            return;
        }
        if (is_full() && capacity_.when_full() == overflow::drops_oldest) {
            log_.drop_first(old);
        }
        log_.append(std::move(i), old);
    }
    static bool is_for(item const&, reader const&) noexcept { return true; }
    void read(reader& r, taken& out, bin& old) noexcept {
        out = log_.read(r);
        log_.drop_read(old);
    }

private:
    bool is_full() const noexcept { return log_.subscribers() != 0 && log_.size() >= capacity_.size(); }

    queue_capacity capacity_;
    pubsub_log<T> log_;
};

} // namespace coir::inline v0::detail
