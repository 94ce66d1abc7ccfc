// What a fiber_map keeps: an index of its fibers by key.
#pragma once

#include <coir/detail/hash_index.hpp>
#include <coir/detail/owned_group.hpp>
#include <coir/detail/splitmix.hpp>

#include <mutex>
#include <utility>
#include <vector>

namespace coir::inline v0::detail {

template <class Key>
struct hashed_key {
    Key key;
    std::uint64_t hash;
};

template <class Key>
class keyed_member : public owned_member, public hash_entry {
public:
    keyed_member(fiber_base& f, hashed_key<Key>&& k) : owned_member{f}, hash_entry{k.hash}, key(std::move(k.key)) {}

    Key const key;

protected:
    ~keyed_member() = default;
};

// Keys are compared without the lock, which only looks at hashes: a lookup holds on to the fiber
// whose key it compares, and whoever then acts on the answer makes sure that it still holds.
template <class T, class E, class Key, class Hash, class Equal>
class map_core final : public owned_fibers {
public:
    using member = keyed_member<Key>;

    map_core(group& scope, Hash hash, Equal equal)
        : owned_fibers{scope}, hash_(std::move(hash)), equal_(std::move(equal)) {}

    std::uint64_t hash(Key const& key) const { return mix64(static_cast<std::uint64_t>(hash_(key))); }

    // The fiber with the key; an empty handle if there is none.
    fiber<T, E> find(Key const& key) const {
        found const f = lookup(key, hash(key));
        return f.handle;
    }

    // Takes its entry away.
    fiber<T, E> remove(Key const& key) {
        std::uint64_t const h = hash(key);
        for (;;) {
            found f = lookup(key, h);
            std::lock_guard guard{lock()};
            if (!f.handle || f.which->has_entry()) {
                if (f.handle) {
                    take_entry(*f.which);
                }
                return std::move(f.handle);
            } // it has ended, or made room for another one
        }
    }

    admission install(member& m, replace_options const& how) {
        make_room();
        for (;;) {
            found const f = lookup(m.key, m.hash());
            frozen_members frozen;
            std::lock_guard guard{lock()};
            if (holds(f, m.hash())) {
                return put(m, f.which, how, frozen);
            }
        }
    }

    // False: there is not room enough.
    bool copy_handles(std::vector<fiber<T, E>>& to) const noexcept {
        return copy_each(to, [](owned_member& m) { return handle_to<T, E>(m); });
    }

    // The keys of those that are there now.
    std::vector<Key> keys() const {
        std::vector<found> all;
        auto const hold_it = [](owned_member& m) { return hold(&static_cast<member&>(m), 0); };
        while (!copy_each(all, hold_it)) {
            all.reserve(this->size() + this->size() / 2);
        }
        std::vector<Key> copies;
        copies.reserve(all.size());
        for (found const& f : all) {
            copies.push_back(f.which->key);
        }
        return copies;
    }

private:
    struct found {
        member* which = nullptr;
        fiber<T, E> handle{};         // keeps it
        std::uint64_t insertions = 0; // when the lookup began
    };

    template <class F, class Make>
    bool copy_each(std::vector<F>& to, Make make) const noexcept {
        std::lock_guard guard{this->lock()};
        if (this->entries() > to.capacity()) {
            return false;
        }
        this->for_each_entry([&](owned_member& m) { to.push_back(make(m)); });
        return true;
    }

    found lookup(Key const& key, std::uint64_t h) const {
        found f = first(h);
        while (f.handle && !equal_(f.which->key, key)) {
            f = after(std::move(f));
        }
        return f;
    }
    found first(std::uint64_t h) const noexcept {
        std::lock_guard guard{lock()};
        return hold(index_.first(h), insertions_);
    }
    found after(found f) const noexcept {
        found next;
        std::lock_guard guard{lock()};
        // If it has lost its entry, what came after it is not known any more.
        next = f.which->has_entry() ? hold(hash_index::next(*f.which), f.insertions)
                                    : hold(index_.first(f.which->hash()), insertions_);
        return next;
    }
    static found hold(hash_entry* e, std::uint64_t insertions) noexcept {
        auto* const m = static_cast<member*>(e);
        return m != nullptr ? found{m, handle_to<T, E>(*m), insertions} : found{nullptr, {}, insertions};
    }

    // Under the lock: it still is so.
    bool holds(found const& f, std::uint64_t h) const noexcept {
        return f.handle ? f.which->has_entry() : insertions_ == f.insertions || index_.first(h) == nullptr;
    }

    admission put(member& m, member* before, replace_options const& how, frozen_members& frozen) noexcept {
        if ((how.only_if_missing && before != nullptr) || !admit(m)) {
            return admission::refused;
        }
        bool const starts = before == nullptr || replace(*before, m, how.after_previous, frozen, current_fiber_id());
        index_.insert(m);
        ++insertions_;
        return starts ? admission::starts : admission::waits;
    }

    void make_room() {
        std::size_t wanted = 0;
        {
            std::lock_guard guard{lock()};
            wanted = index_.wants();
        }
        if (wanted != 0) {
            auto room = std::make_unique<hash_index::bucket[]>(wanted);
            std::lock_guard guard{lock()};
            index_.give(room, wanted);
        }
    }

    void forget(owned_member& m) noexcept override { index_.erase(static_cast<member&>(m)); }

    COIR_NO_UNIQUE_ADDRESS Hash hash_;
    COIR_NO_UNIQUE_ADDRESS Equal equal_;
    hash_index index_;
    std::uint64_t insertions_ = 0;
};

} // namespace coir::inline v0::detail
