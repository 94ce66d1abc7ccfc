// The memory that model threads run in: their stacks, and a heap whose freed blocks are never
// reused, so that every touch of a dead object and every data race on plain memory is seen.
//
//     if (auto wrong = sandbox.access(address, size, use::write, thread)) fail(*wrong);
#pragma once

#include "memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace model::detail {

enum class use { read, write, release };

struct violation {
    enum class kind { data_race, use_after_free, bad_free } what;
    std::string text;
};

class sandbox {
public:
    static constexpr std::size_t stack_size = std::size_t{64} << 10;
    static constexpr std::size_t heap_size = std::size_t{256} << 10;

    sandbox();

    /// Starts a new schedule: every block is forgotten, every byte has a clean history.
    void reset();

    [[nodiscard]] std::byte* stack(std::size_t thread) noexcept;
    [[nodiscard]] bool contains(const void* p) const noexcept;

    [[nodiscard]] void* allocate(std::size_t size, std::size_t alignment, std::size_t thread);
    [[nodiscard]] std::optional<violation> release(void* p, const thread_views& by);

    /// Checks that the memory is alive and that the access happens after every conflicting one.
    [[nodiscard]] std::optional<violation> access(const void* p, std::size_t size, use how,
                                                  const thread_views& by);
    /// Checks only that the memory is alive; atomics are ordered by the memory model.
    [[nodiscard]] std::optional<violation> touch(const void* p) const;

    /// The model atomic whose object starts at p: its number, or 0.
    [[nodiscard]] std::uint32_t& atomic_at(const void* p) {
        return history(offset(p)).atomics[offset(p) % word];
    }
    [[nodiscard]] bool same_block(const void* p, const void* inside) const;

    [[nodiscard]] std::vector<std::string> leaks() const;
    /// "block 3 (48 bytes)+8" for heap memory, "stack of 1+0x20" for a stack.
    [[nodiscard]] std::string describe(const void* p) const;

private:
    struct block {
        std::size_t begin, size, allocated_by;
        std::optional<std::size_t> freed_by;
    };
    /// When each thread last read, and the last write.
    struct epochs {
        std::uint32_t written, writer;
        vector_clock read;

        /// Adds an access; false if it races with one that was there.
        bool add(use how, const thread_views& by) noexcept;
        [[nodiscard]] std::string conflict(const thread_views& by) const;
    };
    static constexpr std::size_t word = 4;
    /// Nearly all accesses are to whole words; only a word that was accessed by bytes is kept so.
    struct word_history {
        std::uint32_t schedule;
        bool split;
        epochs whole;
        std::array<std::uint32_t, word> atomics;
        std::array<epochs, word> bytes;
    };
    static constexpr std::size_t granule = 16;
    static constexpr std::size_t total = heap_size + max_threads * stack_size;

    [[nodiscard]] std::size_t offset(const void* p) const noexcept;
    [[nodiscard]] word_history& history(std::size_t offset);
    [[nodiscard]] const epochs* race(std::size_t begin, std::size_t end, use how, const thread_views& by);
    [[nodiscard]] const block* find(std::size_t offset) const;

    std::byte* memory_; // the heap, then one stack per thread
    std::unique_ptr<word_history[], void (*)(void*)> history_;
    std::vector<block> blocks_;
    std::vector<std::uint32_t> block_of_granule_; // 1 + index into blocks_, 0 for none
    std::size_t used_ = granule;
    std::uint32_t schedule_ = 1;
};

} // namespace model::detail
