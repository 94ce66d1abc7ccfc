// A hash table of entries that live elsewhere: linear hashing (Litwin, 1980), so that no insertion
// moves more than one bucket, and nothing is allocated under the lock that guards it.
//
// There are base + split buckets: those in front of `split`, and from `base` on, were split
// already in this round, and tell their entries apart by one bit of the hash more. The buckets
// are in segments that double in size and never move; one more is given from outside when the
// round comes to its end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace coir::inline v0::detail {

class hash_entry {
public:
    explicit hash_entry(std::uint64_t h) noexcept : hash_{h} {}
    hash_entry(hash_entry const&) = delete;
    hash_entry& operator=(hash_entry const&) = delete;

    std::uint64_t hash() const noexcept { return hash_; }

protected:
    ~hash_entry() = default;

private:
    friend class hash_index;

    std::uint64_t const hash_;
    hash_entry* next_ = nullptr;
    hash_entry** link_ = nullptr; // what points here
};

class hash_index {
public:
    using bucket = hash_entry*;
    using segment = std::unique_ptr<bucket[]>;

    hash_index() = default;
    hash_index(hash_index const&) = delete;
    hash_index& operator=(hash_index const&) = delete;

    std::size_t size() const noexcept { return size_; }

    // The first entry with just this hash, and the next after one. Null: no more.
    hash_entry* first(std::uint64_t hash) const noexcept { return same(bucket_of(hash), hash); }
    static hash_entry* next(hash_entry const& e) noexcept { return same(e.next_, e.hash_); }

    void insert(hash_entry& e) noexcept {
        if (++size_ > buckets() && segments_[round_ + 1]) {
            split();
        }
        push(bucket_of(e.hash_), e);
    }
    void erase(hash_entry& e) noexcept {
        unlink(e);
        --size_;
    }

    // How large a segment to give before the next insertion; 0: none. Without it the table still
    // works, at the price of fuller buckets.
    std::size_t wants() const noexcept { return size_ < buckets() || segments_[round_ + 1] ? 0 : base(); }
    // Takes it, unless somebody else was faster.
    void give(segment& s, std::size_t size) noexcept {
        if (wants() == size) {
            segments_[round_ + 1] = std::move(s);
        }
    }

private:
    static constexpr std::size_t smallest = 8;

    std::size_t base() const noexcept { return smallest << round_; }
    std::size_t buckets() const noexcept { return base() + split_; }

    bucket& bucket_at(std::size_t i) noexcept {
        if (i < smallest) {
            return first_[i];
        }
        auto const top = std::bit_floor(i); // segment n begins at smallest << (n - 1)
        return segments_[static_cast<std::size_t>(std::bit_width(i / smallest))][i - top];
    }
    bucket& bucket_of(std::uint64_t hash) noexcept {
        std::size_t const i = static_cast<std::size_t>(hash) & (base() - 1);
        return bucket_at(i < split_ ? static_cast<std::size_t>(hash) & (2 * base() - 1) : i);
    }
    bucket bucket_of(std::uint64_t hash) const noexcept { return const_cast<hash_index*>(this)->bucket_of(hash); }

    static hash_entry* same(hash_entry* e, std::uint64_t hash) noexcept {
        while (e != nullptr && e->hash_ != hash) {
            e = e->next_;
        }
        return e;
    }

    static void push(bucket& b, hash_entry& e) noexcept {
        e.next_ = b;
        e.link_ = &b;
        if (b != nullptr) {
            b->link_ = &e.next_;
        }
        b = &e;
    }
    static void unlink(hash_entry& e) noexcept {
        *e.link_ = e.next_;
        if (e.next_ != nullptr) {
            e.next_->link_ = e.link_;
        }
    }

    // Entries keep their order, so that who is at one of them misses none that comes after it.
    void split() noexcept {
        hash_entry* from = bucket_at(split_);
        bucket* end = &bucket_at(base() + split_);
        while (from != nullptr) {
            hash_entry& e = *std::exchange(from, from->next_);
            if ((static_cast<std::size_t>(e.hash_) & base()) != 0) {
                unlink(e);
                push(*end, e);
                end = &e.next_;
            }
        }
        if (++split_ == base()) {
            split_ = 0;
            ++round_;
        }
    }

    bucket first_[smallest] = {};
    segment segments_[8 * sizeof(std::size_t)]; // by round, the first is unused
    std::size_t round_ = 0;
    std::size_t split_ = 0;
    std::size_t size_ = 0;
};

} // namespace coir::inline v0::detail
