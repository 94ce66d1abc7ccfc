// chunk_within: elements in vectors that are full, or have waited long enough.
//
//     rows | streams::chunk_within(500, 1s) | streams::for_each(insert_all)
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/stream/holding.hpp>

#include <cstddef>
#include <vector>

namespace coir::inline v0::detail {

struct chunk_settings {
    std::size_t n;
    clock::duration within;
};

template <class Up>
class chunk_hold : public plain_hold {
public:
    using value_type = std::vector<typename Up::value_type>;

    chunk_hold(chunk_settings s, stage_scope&, clock::time_point) noexcept : settings_{s} {}

    bool add(inlet<Up>& in, clock::time_point now) {
        if (chunk_.empty()) {
            due_ = deadline_after(now, settings_.within);
        }
        in.take(element_);
        chunk_.push_back(std::move(*element_));
        element_.reset();
        return chunk_.size() == settings_.n;
    }
    clock::time_point due() const noexcept { return chunk_.empty() ? never_due : due_; }
    bool is_empty() const noexcept { return chunk_.empty(); }
    void give(std::optional<value_type>& out) { out.emplace(std::exchange(chunk_, value_type{})); }

private:
    chunk_settings settings_;
    std::optional<typename Up::value_type> element_;
    value_type chunk_;
    clock::time_point due_{};
};

template <class Up, class Settings>
class chunk_within_stage : public holding_stage<Up, chunk_hold<Up>, Settings> {
    using holding_stage<Up, chunk_hold<Up>, Settings>::holding_stage;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Vectors of `n` elements, or of fewer when `d` has passed since the first one of them; never
// empty. When upstream ends, what there is is given at once; when it fails, that is dropped.
// While the consumer is busy, upstream is one element ahead. Throws std::invalid_argument for a
// negative time, and for an n of less than 1.
template <class D>
auto chunk_within(detail::count_argument n, D d) {
    if (n.value() == 0) {
        throw std::invalid_argument{"coir: chunk_within needs room for an element"};
    }
    return detail::make_stage<detail::chunk_within_stage>(
        detail::chunk_settings{n.value(), detail::stage_time(d, "chunk_within")});
}

} // namespace coir::inline v0::streams
