#include "sandbox.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace model::detail {

namespace {

std::string thread_name(std::size_t thread) {
    return thread == 0 ? "the main thread" : "thread " + std::to_string(thread);
}

const char* verb(use how) {
    return how == use::read ? "reads" : how == use::write ? "writes" : "frees";
}

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

} // namespace

// calloc, because untouched pages of the history then cost nothing; and one fixed place for
// all schedules, because a replay must meet the same addresses.
sandbox::sandbox()
    : memory_(static_cast<std::byte*>(std::aligned_alloc(4096, total))),
      history_(static_cast<word_history*>(std::calloc(total / word, sizeof(word_history))), &std::free),
      block_of_granule_(heap_size / granule) {
    if (memory_ == nullptr || history_ == nullptr) std::abort();
}

void sandbox::reset() {
    blocks_.clear();
    std::fill_n(block_of_granule_.begin(), used_ / granule, 0U);
    used_ = granule;
    ++schedule_;
}

std::byte* sandbox::stack(std::size_t thread) noexcept { return memory_ + heap_size + thread * stack_size; }

bool sandbox::contains(const void* p) const noexcept { return offset(p) < total; }

std::size_t sandbox::offset(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(memory_);
}

sandbox::word_history& sandbox::history(std::size_t offset) {
    word_history& entry = history_[offset / word];
    if (entry.schedule != schedule_) {
        entry.schedule = schedule_;
        entry.split = false;
        entry.whole = {};
        entry.atomics = {};
    }
    return entry;
}

const sandbox::block* sandbox::find(std::size_t offset) const {
    const auto index = block_of_granule_[offset / granule];
    return index == 0 ? nullptr : &blocks_[index - 1];
}

// One granule stays free behind every block, so that an overrun meets no block at all.
void* sandbox::allocate(std::size_t size, std::size_t alignment, std::size_t thread) {
    const auto begin = round_up(used_, (std::max)(alignment, granule));
    const auto end = round_up(begin + (std::max)(size, std::size_t{1}), granule);
    if (end + granule > heap_size) return nullptr;
    blocks_.push_back({begin, size, thread, std::nullopt});
    for (auto i = begin / granule; i < end / granule; ++i)
        block_of_granule_[i] = static_cast<std::uint32_t>(blocks_.size());
    used_ = end + granule;
    std::memset(memory_ + begin, 0xCD, size);
    return memory_ + begin;
}

std::optional<violation> sandbox::release(void* p, const thread_views& by) {
    const block* found = offset(p) < heap_size ? find(offset(p)) : nullptr;
    if (found == nullptr || found->begin != offset(p))
        return violation{violation::kind::bad_free, "free of memory that is no block: " + describe(p)};
    if (found->freed_by) return violation{violation::kind::bad_free, "second free of " + describe(p)};
    // Freeing is a write to every byte: it must happen after all that others did with them.
    if (auto wrong = access(p, found->size, use::release, by)) return wrong;
    blocks_[block_of_granule_[offset(p) / granule] - 1].freed_by = by.thread;
    return std::nullopt;
}

std::optional<violation> sandbox::touch(const void* p) const {
    const auto at = offset(p);
    if (at >= heap_size) return std::nullopt;
    const block* found = find(at);
    if (found == nullptr || at >= found->begin + (std::max)(found->size, std::size_t{1}))
        return violation{violation::kind::use_after_free, "access outside of any heap block: " + describe(p)};
    if (found->freed_by)
        return violation{violation::kind::use_after_free,
                         "access to " + describe(p) + ", which " + thread_name(*found->freed_by) + " has freed"};
    return std::nullopt;
}

// What the main thread does happens before or after all the others do: it cannot race.
std::optional<violation> sandbox::access(const void* p, std::size_t size, use how, const thread_views& by) {
    const auto at = offset(p);
    if (at >= total) return std::nullopt;
    if (auto dead = touch(p)) return dead;
    if (by.thread == 0) return std::nullopt;
    const epochs* raced = race(at, (std::min)(at + size, total), how, by);
    if (raced == nullptr) return std::nullopt;
    return violation{violation::kind::data_race, thread_name(by.thread) + " " + verb(how) + " " + describe(p) +
                                                     ", which " + raced->conflict(by) +
                                                     " without either happening before the other"};
}

const sandbox::epochs* sandbox::race(std::size_t begin, std::size_t end, use how, const thread_views& by) {
    while (begin < end) {
        word_history& entry = history(begin);
        const bool all = begin % word == 0 && end - begin >= word;
        if (all && !entry.split) {
            if (!entry.whole.add(how, by)) return &entry.whole;
            begin += word;
            continue;
        }
        if (!std::exchange(entry.split, true)) entry.bytes.fill(entry.whole);
        epochs& byte = entry.bytes[begin % word];
        if (!byte.add(how, by)) return &byte;
        ++begin;
    }
    return nullptr;
}

bool sandbox::epochs::add(use how, const thread_views& by) noexcept {
    const auto& known = by.now.clock;
    if (written > known[writer]) return false;
    if (how == use::read) {
        read[by.thread] = known[by.thread];
        return true;
    }
    for (std::size_t other = 0; other < max_threads; ++other)
        if (read[other] > known[other]) return false;
    written = known[by.thread];
    writer = static_cast<std::uint32_t>(by.thread);
    return true;
}

std::string sandbox::epochs::conflict(const thread_views& by) const {
    if (written > by.now.clock[writer]) return thread_name(writer) + " wrote";
    for (std::size_t other = 0; other < max_threads; ++other)
        if (read[other] > by.now.clock[other]) return thread_name(other) + " read";
    return "nobody touched";
}

bool sandbox::same_block(const void* p, const void* inside) const {
    const auto of = offset(p);
    const auto at = offset(inside);
    return of < heap_size && at < heap_size && find(of) != nullptr && find(of) == find(at);
}

std::vector<std::string> sandbox::leaks() const {
    std::vector<std::string> found;
    for (const block& each : blocks_)
        if (!each.freed_by)
            found.push_back(describe(memory_ + each.begin) + ", allocated by " + thread_name(each.allocated_by));
    return found;
}

std::string sandbox::describe(const void* p) const {
    const auto at = offset(p);
    if (at >= total) return at == 0 ? "null" : "memory outside of the model";
    if (at >= heap_size)
        return "stack of " + thread_name((at - heap_size) / stack_size) + "+" + std::to_string((at - heap_size) % stack_size);
    const block* of = find(at);
    if (of == nullptr) return "heap+" + std::to_string(at);
    const auto inside = at - of->begin;
    return "block " + std::to_string(1 + of - blocks_.data()) + " (" + std::to_string(of->size) + " bytes)" +
           (inside == 0 ? std::string() : '+' + std::to_string(inside));
}

} // namespace model::detail
