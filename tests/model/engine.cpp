#include "engine.hpp"

#include <cstdio>
#include <cstring>

namespace model::detail {

namespace {

const char* name(rmw operation) {
    switch (operation) {
    case rmw::exchange: return "exchange";
    case rmw::add: return "fetch_add";
    case rmw::sub: return "fetch_sub";
    case rmw::bit_and: return "fetch_and";
    case rmw::bit_or: return "fetch_or";
    case rmw::bit_xor: return "fetch_xor";
    }
    return "?";
}

property property_of(violation::kind what) {
    switch (what) {
    case violation::kind::data_race: return property::data_race;
    case violation::kind::use_after_free: return property::use_after_free;
    case violation::kind::bad_free: return property::bad_free;
    }
    return property::misuse;
}

} // namespace

engine& engine::instance() {
    // Never destroyed: static atomics and other threads' exit may still come here.
    static engine& only = *new engine;
    return only;
}

engine::engine() = default;

void engine::check(const std::optional<violation>& wrong) {
    if (wrong) fail(property_of(wrong->what), wrong->text);
}

void engine::wrote() noexcept {
    ++writes_;
    ++self().own_writes;
}

location* engine::find(const void* at) {
    if (sandbox_.contains(at)) {
        const auto number = sandbox_.atomic_at(at);
        return number == 0 ? nullptr : &memory_.at(number - 1);
    }
    for (const auto id : statics_)
        if (memory_.at(id).address == at) return &memory_.at(id);
    return nullptr;
}

// An atomic outside of the sandbox was there before the schedule, so all threads know it.
location& engine::locate(void* at, std::size_t size) {
    check(sandbox_.touch(at));
    location* place = find(at);
    if (place == nullptr) {
        if (sandbox_.contains(at)) fail(property::misuse, "access to " + describe(at) + ", where no atomic was ever constructed");
        bits initial = 0;
        std::memcpy(&initial, at, size);
        place = memory_.create(at, size, initial, self().views);
        if (place == nullptr) fail(property::misuse, "more atomics in a schedule than the model has room for");
        place->created = 0;
        place->shared = true;
        statics_.push_back(place->id);
    }
    if (!place->alive) fail(property::use_after_free, "access to " + describe(at) + ", an atomic that was destroyed");
    if (place->created > self().views.now.clock[place->creator])
        fail(property::data_race, "access to " + describe(at) + " does not happen after its construction");
    place->touched[current_] = self().views.now.clock[current_];
    used_by_current(*place);
    return *place;
}

void engine::construct(void* at, std::size_t size, bits initial) {
    if (!sandbox_.contains(at)) return;
    check(sandbox_.touch(at));
    location* place = memory_.create(at, size, initial, self().views);
    if (place == nullptr) fail(property::misuse, "more atomics in a schedule than the model has room for");
    place->shared = shared_.contains(at);
    sandbox_.atomic_at(at) = static_cast<std::uint32_t>(place->id + 1);
    self().views.tick();
}

void engine::destroy(void* at) {
    if (!sandbox_.contains(at)) return;
    location& place = locate(at, 0);
    for (std::size_t other = 0; other < max_threads; ++other)
        if (other != current_ && place.touched[other] > self().views.now.clock[other])
            fail(property::data_race, "destruction of " + describe(at) + " does not happen after the last access of " +
                                          threads_[other].name);
    place.alive = false;
}

bits engine::load(void* at, std::size_t size, std::memory_order order, const site& where) {
    order = orders_.asked({where, order_site::operation::load, order});
    point(at);
    location& place = locate(at, size);
    const auto value = memory_.load(place, self().views, order, *this);
    if (tracing_) note(at, "load " + std::string(model::name(order)) + " = " + describe(value), where);
    return value;
}

void engine::store(void* at, std::size_t size, bits value, std::memory_order order, const site& where) {
    order = orders_.asked({where, order_site::operation::store, order});
    point(at);
    location& place = locate(at, size);
    if (tracing_) note(at, "store " + describe(value) + ' ' + std::string(model::name(order)), where);
    memory_.store(place, self().views, order, value, *this);
    wrote();
}

bits engine::modify(void* at, std::size_t size, rmw operation, bits operand, std::memory_order order, const site& where) {
    order = orders_.asked({where, order_site::operation::modify, order});
    point(at);
    location& place = locate(at, size);
    const auto before = memory_.modify(place, self().views, order, operation, operand, *this);
    if (tracing_)
        note(at, std::string(name(operation)) + ' ' + describe(operand) + ' ' + std::string(model::name(order)) + " = " +
                     describe(before), where);
    wrote();
    return before;
}

cas_result engine::compare_exchange(void* at, std::size_t size, bits expected, bits desired, std::memory_order success,
                                    std::memory_order failure, bool weak, const site& where) {
    success = orders_.asked({where, order_site::operation::compare_exchange, success});
    failure = orders_.asked({where, order_site::operation::failed_compare_exchange, failure});
    point(at);
    location& place = locate(at, size);
    const auto done =
        memory_.compare_exchange(place, self().views, success, failure, expected, desired, weak, *this);
    if (done.success) wrote();
    if (!done.success && done.value == expected) self().read_stale = true;
    if (tracing_)
        note(at, "compare_exchange " + describe(expected) + " -> " + describe(desired) + ' ' + std::string(model::name(success)) +
                     (done.success ? " = done" : " = no, was " + describe(done.value)), where);
    return done;
}

void engine::fence(std::memory_order order, const site& where) {
    order = orders_.asked({where, order_site::operation::fence, order});
    point(nullptr);
    if (tracing_) note(nullptr, "fence " + std::string(model::name(order)), where);
    memory_.fence(self().views, order);
}

void engine::plain(const void* at, std::size_t size, use how) {
    if (size == 0) return; // a copy of nothing, from nowhere
    if (reinterpret_cast<std::uintptr_t>(at) < 4096) fail(property::use_after_free, "access through a null pointer");
    check(sandbox_.access(at, size, how, self().views));
}

void* engine::allocate(std::size_t size, std::size_t alignment) {
    void* p = sandbox_.allocate(size, alignment, current_);
    if (p == nullptr) fail(property::misuse, "more memory in a schedule than the model has");
    if (tracing_) note(nullptr, "new " + sandbox_.describe(p), {});
    return p;
}

// Atomics that die without their destructor die with the block.
void engine::release(void* p) {
    if (tracing_) note(nullptr, "delete " + describe(p), {});
    for (std::size_t id = 0; id < memory_.count(); ++id)
        if (memory_.at(id).alive && sandbox_.same_block(p, memory_.at(id).address))
            destroy(const_cast<void*>(memory_.at(id).address));
    check(sandbox_.release(p, self().views));
}

void engine::label(const void* object, std::size_t size, std::string name) {
    labels_.push_back({static_cast<const std::byte*>(object), size, std::move(name)});
}

std::string engine::describe(const void* at) const {
    for (const auto& region : labels_) {
        const auto offset = static_cast<const std::byte*>(at) - region.begin;
        if (offset >= 0 && static_cast<std::size_t>(offset) < region.size)
            return region.name + (offset == 0 ? std::string() : '+' + std::to_string(offset));
    }
    return sandbox_.describe(at);
}

// Words that carry an address usually carry flags in its low bits.
std::string engine::describe(bits value) const {
    const auto* pointer = reinterpret_cast<const void*>(value & ~bits{7});
    if (sandbox_.contains(pointer))
        return '&' + describe(pointer) + ((value & 7) == 0 ? std::string() : '|' + std::to_string(value & 7));
    char text[24];
    std::snprintf(text, sizeof text, value < 1024 ? "%llu" : "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

void engine::note(const void* at, const std::string& what, const site& where) {
    std::string line = std::to_string(steps_);
    line.insert(0, line.size() < 5 ? 5 - line.size() : 0, ' ');
    line += "  " + self().name;
    line.append(line.size() < 20 ? 20 - line.size() : 1, ' ');
    if (at != nullptr) line += describe(at) + ": ";
    line += what;
    if (where.line() != 0) {
        const std::string_view path = where.file_name();
        line += "  [" + std::string(path.substr(path.find_last_of('/') + 1)) + ':' + std::to_string(where.line()) + ']';
    }
    trace_ += line + '\n';
}

} // namespace model::detail
