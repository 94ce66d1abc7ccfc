#include <coir/detail/frame_pool.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

using coir::detail::allocate_frame;
using coir::detail::deallocate_frame;

namespace {

bool is_aligned(void const* p) { return reinterpret_cast<std::uintptr_t>(p) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0; }

// What frees a frame when its thread ends, after other thread-locals have gone.
struct late_free {
    void* frame = nullptr;
    std::size_t size = 0;
    ~late_free() { deallocate_frame(frame, size); }
};

} // namespace

TEST_CASE("a frame of any size is writable and aligned") {
    std::vector<std::pair<void*, std::size_t>> frames;
    for (std::size_t size = 1; size < 5000; size += 37) {
        void* const frame = allocate_frame(size);
        REQUIRE(is_aligned(frame));
        std::memset(frame, 0x5a, size);
        frames.emplace_back(frame, size);
    }
    for (auto const& [frame, size] : frames) {
        deallocate_frame(frame, size);
    }
}

TEST_CASE("frames can be freed on another thread, in any order") {
    std::vector<void*> frames;
    for (int i = 0; i < 1000; ++i) {
        frames.push_back(allocate_frame(200));
    }
    std::size_t reused = 0;
    std::thread{[&] {
        for (void* const frame : frames) {
            deallocate_frame(frame, 200);
        }
        for (void*& frame : frames) {
            frame = allocate_frame(200);
            reused += is_aligned(frame) ? 1U : 0U;
        }
    }}.join();
    for (void* const frame : frames) {
        deallocate_frame(frame, 200);
    }
    CHECK(reused == frames.size());
}

TEST_CASE("what is freed in the destructor of a thread-local is not kept") {
    void* frame = allocate_frame(128);
    std::thread{[&] {
        static thread_local late_free last; // before the cache's own guard, so destroyed after it
        last.size = 128;
        last.frame = allocate_frame(128);
        deallocate_frame(frame, 128);
        frame = nullptr;
    }}.join();
    CHECK(frame == nullptr); // the leak checker has the last word
}

#if !COIR_NO_FRAME_CACHE

TEST_CASE("the last frame freed is the next one of its size class") {
    void* const frame = allocate_frame(130);
    deallocate_frame(frame, 130);
    void* const again = allocate_frame(190);
    CHECK(again == frame);
    deallocate_frame(again, 190);
}

TEST_CASE("a thread keeps a bounded number of bytes") {
    using coir::detail::frame_cache;
    auto& cache = coir::detail::this_frame_cache();
    std::vector<void*> frames(2 * frame_cache::capacity / frame_cache::largest);
    for (void*& frame : frames) {
        frame = allocate_frame(frame_cache::largest);
    }
    for (void* const frame : frames) {
        deallocate_frame(frame, frame_cache::largest);
    }
    CHECK(cache.room < frame_cache::largest);
    cache.close();
    CHECK(cache.room == 0);
    cache.open();
}

#if COIR_ASAN

TEST_CASE("a cached frame is poisoned, so that a use after free is reported") {
    char* const frame = static_cast<char*>(allocate_frame(256));
    CHECK(__asan_region_is_poisoned(frame, 256) == nullptr);
    deallocate_frame(frame, 256);
    CHECK(__asan_address_is_poisoned(frame));
    CHECK(__asan_address_is_poisoned(frame + 255));
    char* const again = static_cast<char*>(allocate_frame(256));
    CHECK(again == frame);
    CHECK(__asan_region_is_poisoned(again, 256) == nullptr);
    deallocate_frame(again, 256);
}

#endif
#endif
