// Where the program under test enters the explorer through an atomic. Outside of an exploration
// (static objects, the test's own code) an atomic is plain memory.
#include "access.hpp"

#include "engine.hpp"

#include <cstring>

namespace model::detail {

namespace {

bits read(const void* at, std::size_t size) {
    bits value = 0;
    std::memcpy(&value, at, size);
    return value;
}

void write(void* at, std::size_t size, bits value) { std::memcpy(at, &value, size); }

// A memory of one location and one thread does the arithmetic.
class plain_memory final : private chooser {
public:
    plain_memory(void* at, std::size_t size) : at_(at), size_(size), place_(all_.create(at, size, read(at, size), me_)) {}
    ~plain_memory() { write(at_, size_, place_->latest()); }
    plain_memory(const plain_memory&) = delete;
    plain_memory& operator=(const plain_memory&) = delete;

    bits modify(rmw operation, bits operand) {
        return all_.modify(*place_, me_, std::memory_order_relaxed, operation, operand, *this);
    }
    cas_result compare_exchange(bits expected, bits desired) {
        constexpr auto relaxed = std::memory_order_relaxed;
        return all_.compare_exchange(*place_, me_, relaxed, relaxed, expected, desired, false, *this);
    }

private:
    std::size_t deviate(std::size_t) override { return 0; }

    void* at_;
    std::size_t size_;
    memory all_;
    thread_views me_;
    location* place_;
};

} // namespace

void access::construct(void* at, std::size_t size, bits initial) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().construct(at, size, initial);
}

void access::destroy(void* at) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().destroy(at);
}

bits access::load(void* at, std::size_t size, order o, const site& where) {
    if (!engine::inside()) return read(at, size);
    const engine::guard own;
    return engine::instance().load(at, size, o, where);
}

void access::store(void* at, std::size_t size, bits value, order o, const site& where) {
    if (!engine::inside()) return write(at, size, value);
    const engine::guard own;
    engine::instance().store(at, size, value, o, where);
}

bits access::modify(void* at, std::size_t size, rmw operation, bits operand, order o, const site& where) {
    if (!engine::inside()) return plain_memory(at, size).modify(operation, operand);
    const engine::guard own;
    return engine::instance().modify(at, size, operation, operand, o, where);
}

cas_result access::compare_exchange(void* at, std::size_t size, bits expected, bits desired, order success,
                                    order failure, bool weak, const site& where) {
    if (!engine::inside()) return plain_memory(at, size).compare_exchange(expected, desired);
    const engine::guard own;
    return engine::instance().compare_exchange(at, size, expected, desired, success, failure, weak, where);
}

void access::fence(order o, const site& where) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().fence(o, where);
}

void access::block(void* at, std::size_t size, bits old, const site& where) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().block(at, size, old, where);
}

void access::await_change(void* at, std::size_t size, bits old) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().await_change(at, size, old);
}

void access::notify(void* at, std::size_t size, bool all, const site& where) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().notify(at, size, all, where);
}

void access::yield() {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().yield();
}

} // namespace model::detail
