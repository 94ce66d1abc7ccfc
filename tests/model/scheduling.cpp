// Who goes on: the part of the explorer that chooses between threads.
#include "engine.hpp"

#include <algorithm>
#include <utility>

namespace model::detail {

// Called before every access. The running thread is the first option, so that a path of zeros
// is a schedule without preemptions. A thread that was chosen since its last access is not asked
// again: to choose another now is to choose the other at once.
void engine::point(const void* at) {
    count_step();
    if (std::exchange(self().just_chosen, false)) return;
    if (!path_.fixed() && (preemptions_ >= preemption_bound_ || is_private(at))) return path_.skip();
    offered_.assign(1, current_);
    offer_others(true);
    const auto next = offered_[path_.take(offered_.size())];
    if (path_.diverged()) fail(property::misuse, "the body is not deterministic: a schedule could not be repeated");
    if (next == current_) return;
    ++preemptions_;
    resume(next);
    self().just_chosen = false;
}

// What one thread does with a location that no other ever touches commutes with all that others
// do, so nobody needs to be scheduled just before it. Which locations those are is learned:
// whenever one turns out to be shared, the bound is explored anew. It is known by its address,
// which is the same in all schedules or, at worst, makes another location count as shared too.
bool engine::is_private(const void* at) {
    const location* place = at != nullptr ? find(at) : nullptr;
    return place != nullptr && !place->shared;
}

void engine::used_by_current(location& place) {
    if (place.shared || current_ == 0) return; // the main thread runs when no other does
    if (place.user == 0) place.user = current_;
    if (place.user == current_) return;
    place.shared = true;
    learned_ = shared_.insert(place.address).second || learned_;
}

void engine::count_step() {
    if (++steps_ > options_.max_steps)
        fail(property::livelock, "no end after " + std::to_string(options_.max_steps) + " accesses");
}

void engine::offer_others(bool yielded_too) {
    for (std::size_t step = 1; step < thread_count_; ++step) {
        const auto thread = (current_ + step) % thread_count_;
        const model_thread& other = threads_[thread];
        if (may_run(other) && (yielded_too || other.now != status::yielded)) offered_.push_back(thread);
    }
}

// A thread that spins looks again only if another has written since it last came round: what it
// read before its last yield may be older than a write before that yield, hence two marks back.
bool engine::may_run(const model_thread& thread) const {
    if (thread.now == status::joining) return all_ended();
    if (thread.now == status::awaiting) return memory_.at(thread.waits_for).latest() != thread.awaited;
    if (thread.now != status::yielded) return thread.now == status::ready;
    return thread.read_stale || writes_by_others(thread) > thread.writes_before;
}

std::uint64_t engine::writes_by_others(const model_thread& thread) const { return writes_ - thread.own_writes; }

bool engine::all_ended() const {
    for (std::size_t i = 1; i < thread_count_; ++i)
        if (threads_[i].now != status::ended) return false;
    return true;
}

void engine::yield() {
    count_step();
    model_thread& me = self();
    if (!me.may_wait) fail(property::waiting, "waits for another thread where it must not");
    me.writes_before = me.writes_at_yield;
    me.writes_at_yield = writes_by_others(me);
    me.yielded_at = ++yields_;
    me.now = status::yielded;
    pass_on();
    me.read_stale = false;
}

// The running thread cannot go on. One that gave way comes after all that did not, and among
// those that did, the order is fixed: else spinning threads could hand over to each other for ever.
void engine::pass_on() {
    offered_.clear();
    const bool spinning = self().now == status::yielded;
    offer_others(!spinning);
    if (spinning && offered_.empty()) offer_least_recent();
    if (offered_.empty()) stuck();
    const auto next = offered_[path_.take(offered_.size())];
    if (next != current_) resume(next);
    else self().now = status::ready;
    self().just_chosen = true;
}

void engine::offer_least_recent() {
    const model_thread* first = nullptr;
    for (std::size_t i = 0; i < thread_count_; ++i) {
        const model_thread& each = threads_[i];
        if (each.now != status::yielded || !may_run(each)) continue;
        if (first == nullptr || each.yielded_at < first->yielded_at) first = &each;
    }
    if (first != nullptr) offered_.push_back(static_cast<std::size_t>(first - threads_.data()));
}

void engine::resume(std::size_t thread) {
    model_thread& from = self();
    change_thread_locals(current_, thread);
    current_ = thread;
    self().now = status::ready;
    context::change(from.state, self().state);
}

void engine::per_thread(void* object, std::size_t size) {
    auto* address = static_cast<std::byte*>(object);
    auto& added = thread_locals_.emplace_back();
    added.address = address;
    added.initial.assign(address, address + size);
    added.copies.fill(added.initial);
}

void engine::change_thread_locals(std::size_t from, std::size_t to) {
    for (auto& each : thread_locals_) {
        std::copy_n(each.address, each.copies[from].size(), each.copies[from].begin());
        std::copy(each.copies[to].begin(), each.copies[to].end(), each.address);
    }
}

void engine::stuck() {
    std::string waiting;
    for (std::size_t i = 1; i < thread_count_; ++i) {
        const model_thread& each = threads_[i];
        if (each.now == status::ended) continue;
        waiting += waiting.empty() ? "" : "; ";
        waiting += each.name + (each.now != status::yielded ? " waits for " + describe(memory_.at(each.waits_for).address)
                                                           : " spins");
    }
    fail(property::deadlock, "nobody can go on: " + waiting);
}

std::size_t engine::deviate(std::size_t options) {
    if (!path_.fixed() && deviations_ >= options_.deviations) {
        path_.skip();
        return 0;
    }
    const auto option = path_.take(options);
    if (option != 0) {
        ++deviations_;
        self().read_stale = true;
    }
    return option;
}

// atomic::wait saw `old`; it may have been an old store, then it looks again.
void engine::block(void* at, std::size_t size, bits old, const site& where) {
    location& place = locate(at, size);
    if (place.latest() != old) return;
    if (tracing_) note(at, "waits", where);
    self().now = status::blocked;
    self().waits_for = place.id;
    pass_on();
}

void engine::await_change(void* at, std::size_t size, bits old) {
    location& place = locate(at, size);
    if (place.latest() != old) return;
    self().now = status::awaiting;
    self().waits_for = place.id;
    self().awaited = old;
    pass_on();
}

void engine::notify(void* at, std::size_t size, bool all, const site& where) {
    point(at);
    location& place = locate(at, size);
    if (tracing_) note(at, all ? "notify_all" : "notify_one", where);
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < thread_count_; ++i)
        if (threads_[i].now == status::blocked && threads_[i].waits_for == place.id) waiting.push_back(i);
    if (waiting.empty()) return;
    const auto chosen = all ? 0 : path_.take(waiting.size());
    for (std::size_t i = 0; i < waiting.size(); ++i)
        if (all || i == chosen) threads_[waiting[i]].now = status::ready;
}

} // namespace model::detail
