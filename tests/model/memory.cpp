#include "memory.hpp"

namespace model::detail {

namespace {

constexpr std::uint32_t gap = 1U << 16;

bool acquires(std::memory_order order) {
    return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order) {
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
}

bits width_mask(std::size_t size) {
    return size >= sizeof(bits) ? ~bits{0} : (bits{1} << (8 * size)) - 1;
}

bits apply(rmw operation, bits value, bits operand) {
    switch (operation) {
    case rmw::exchange: return operand;
    case rmw::add: return value + operand;
    case rmw::sub: return value - operand;
    case rmw::bit_and: return value & operand;
    case rmw::bit_or: return value | operand;
    case rmw::bit_xor: return value ^ operand;
    }
    return value;
}

} // namespace

void memory::reset() {
    used_ = 0;
    total_order_ = {};
}

location* memory::create(const void* address, std::size_t size, bits initial, thread_views& by) {
    if (used_ == max_locations) return nullptr;
    if (used_ == locations_.size()) locations_.emplace_back();
    location& place = locations_[used_];
    place.address = address;
    place.size = size;
    place.id = used_++;
    place.alive = true;
    place.creator = by.thread;
    place.created = by.now.clock[by.thread];
    place.user = 0;
    place.shared = false;
    place.touched = {};
    place.order.clear();
    place.order.push_back({initial, gap, false, {}});
    by.now.seen[place.id] = gap;
    return &place;
}

// Coherence: not behind what happens before; and for seq_cst, not behind what any seq_cst
// operation before it in S has seen of this location.
std::uint32_t memory::floor(const location& place, const thread_views& thread, std::memory_order order) const {
    const auto seen = thread.now.seen[place.id];
    return order == std::memory_order_seq_cst ? (std::max)(seen, total_order_.seen[place.id]) : seen;
}

std::vector<std::size_t>& memory::readable(const location& place, std::uint32_t floor) {
    candidates_.clear();
    for (auto i = place.order.size(); i-- > 0 && place.order[i].key >= floor;) candidates_.push_back(i);
    return candidates_;
}

std::uint32_t memory::room_after(const location& place, std::size_t index) const {
    const auto key = place.order[index].key;
    if (index + 1 == place.order.size()) return key + gap;
    const auto middle = key + (place.order[index + 1].key - key) / 2;
    return middle == key ? 0 : middle;
}

std::vector<std::size_t>& memory::extendable(const location& place, std::uint32_t floor) {
    auto& found = readable(place, floor);
    std::erase_if(found, [&](std::size_t i) { return place.order[i].extended || room_after(place, i) == 0; });
    return found;
}

void memory::observe(location& place, std::size_t index, thread_views& thread, std::memory_order order) {
    const store_event& source = place.order[index];
    auto& seen = thread.now.seen[place.id];
    seen = (std::max)(seen, source.key);
    thread.acquirable.join(source.released);
    if (acquires(order)) thread.now.join(source.released);
    if (order == std::memory_order_seq_cst) {
        auto& total = total_order_.seen[place.id];
        total = (std::max)(total, source.key);
    }
}

// `sequence` is what the store read from carries on: a read-modify-write continues every release
// sequence it is part of, a plain store (C++20) none.
void memory::insert(location& place, std::size_t after, thread_views& thread, std::memory_order order, bits value,
                    const view* sequence) {
    store_event event{value & width_mask(place.size), room_after(place, after), false, {}};
    thread.now.seen[place.id] = event.key;
    event.released = releases(order) ? thread.now : thread.fenced;
    if (sequence != nullptr) event.released.join(*sequence);
    // A relaxed read-modify-write keeps a later read-modify-write adjacent to itself only.
    place.order[after].extended = sequence != nullptr;
    if (order == std::memory_order_seq_cst) {
        auto& total = total_order_.seen[place.id];
        total = (std::max)(total, event.key);
    }
    place.order.insert(place.order.begin() + static_cast<std::ptrdiff_t>(after) + 1, std::move(event));
}

bits memory::load(location& place, thread_views& thread, std::memory_order order, chooser& choose) {
    const auto& options = readable(place, floor(place, thread, order));
    const auto index = options[choose.deviate(options.size())];
    observe(place, index, thread, order);
    const auto value = place.order[index].value;
    thread.tick();
    return value;
}

void memory::store(location& place, thread_views& thread, std::memory_order order, bits value, chooser& choose) {
    const auto& options = extendable(place, floor(place, thread, order));
    insert(place, options[choose.deviate(options.size())], thread, order, value, nullptr);
    thread.tick();
}

bits memory::modify(location& place, thread_views& thread, std::memory_order order, rmw operation, bits operand,
                    chooser& choose) {
    const auto& options = extendable(place, floor(place, thread, order));
    const auto index = options[choose.deviate(options.size())];
    observe(place, index, thread, order);
    const auto before = place.order[index].value;
    const view sequence = place.order[index].released;
    insert(place, index, thread, order, apply(operation, before, operand), &sequence);
    thread.tick();
    return before;
}

cas_result memory::compare_exchange(location& place, thread_views& thread, std::memory_order success,
                                    std::memory_order failure, bits expected, bits desired, bool weak,
                                    chooser& choose) {
    auto& options = readable(place, (std::max)(floor(place, thread, success), floor(place, thread, failure)));
    std::erase_if(options, [&](std::size_t i) {
        const store_event& source = place.order[i];
        return source.value == expected && (source.extended || room_after(place, i) == 0);
    });
    const bool may_fail_spuriously = weak && place.latest() == expected;
    const auto choice = choose.deviate(options.size() + (may_fail_spuriously ? 1 : 0));
    const bool spurious = choice == options.size();
    const auto index = spurious ? place.order.size() - 1 : options[choice];
    const auto before = place.order[index].value;
    const bool exchanged = before == expected && !spurious;
    observe(place, index, thread, exchanged ? success : failure);
    if (exchanged) {
        const view sequence = place.order[index].released;
        insert(place, index, thread, success, desired, &sequence);
    }
    thread.tick();
    return {before, exchanged};
}

// A seq_cst fence orders what happens before it against the seq_cst operations and fences that
// come after it in S, and what happens after it against those before.
void memory::fence(thread_views& thread, std::memory_order order) {
    if (acquires(order)) thread.now.join(thread.acquirable);
    if (order == std::memory_order_seq_cst) {
        for (std::size_t i = 0; i < max_locations; ++i) {
            const auto both = (std::max)(thread.now.seen[i], total_order_.seen[i]);
            thread.now.seen[i] = total_order_.seen[i] = both;
        }
    }
    if (releases(order)) thread.fenced = thread.now;
    thread.tick();
}

} // namespace model::detail
