// Stages that put neighbours together: chunk, adjacent.
//
//     rows | streams::chunk(100) | streams::for_each(insert)            // std::vector<row>
//     times | streams::adjacent() | streams::transform(difference)      // std::pair<time, time>
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/stream/each.hpp>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace coir::inline v0::detail {

// What was gathered when upstream ended or failed is delivered before that.
template <class Up, class N>
class chunk_stage : public stage<Up> {
public:
    using value_type = std::vector<typename Up::value_type>;

    chunk_stage(Up&& up, N n) : stage<Up>{std::move(up)}, size_{n} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        while (ended_ == status::pending) {
            std::optional<typename Up::value_type> in;
            status const s = this->up_.poll_next(f, in);
            if (s == status::value) {
                gather(std::move(*in));
                if (chunk_.size() == size_) {
                    return give(out);
                }
                if (chunk_.size() % budget == 0) {
                    return rest(f);
                }
            } else if (s == status::end || s == status::failure) {
                ended_ = s;
            } else {
                return s;
            }
        }
        return chunk_.empty() ? ended_ : give(out);
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (ended_ == status::pending) {
            auto const pass = [&](typename Up::value_type&& x) COIR_FUSED_LAMBDA {
                gather(std::move(x));
                return chunk_.size() == size_ ? give(std::exchange(chunk_, value_type{})) : true;
            };
            status const s = pull_each(this->up_, f, giving(give, pass));
            if (s != status::end && s != status::failure) {
                return s;
            }
            ended_ = s;
        }
        if (chunk_.empty()) {
            return ended_;
        }
        give(std::exchange(chunk_, value_type{}));
        return status::value;
    }

private:
    void gather(typename Up::value_type&& element) {
        if (chunk_.empty()) {
            chunk_.reserve((std::min<std::size_t>)(size_, most_reserved));
        }
        chunk_.push_back(std::move(element));
    }
    status give(std::optional<value_type>& out) {
        out.emplace(std::exchange(chunk_, value_type{}));
        return status::value;
    }

    static constexpr std::size_t most_reserved = 256; // the end may come long before

    std::size_t size_;
    value_type chunk_;
    status ended_ = status::pending;
};

template <class T, std::size_t N>
struct neighbours {
    template <std::size_t... I>
    static auto type_of(std::index_sequence<I...>) -> std::tuple<std::enable_if_t<(I < N), T>...>;
    using type = decltype(type_of(std::make_index_sequence<N>{}));
};
template <class T>
struct neighbours<T, 2> {
    using type = std::pair<T, T>;
};

template <class Up, class N>
class adjacent_stage : public stage<Up> {
    using element = typename Up::value_type;
    static_assert(std::copy_constructible<element>, "coir: adjacent copies elements, as each is in several groups");

public:
    using value_type = typename neighbours<element, N::value>::type;

    adjacent_stage(Up&& up, N) : stage<Up>{std::move(up)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        for (;;) {
            std::optional<element> in;
            status const s = this->up_.poll_next(f, in);
            if (s != status::value) {
                return s;
            }
            if (seen_ == before) {
                give(std::move(*in), out, std::make_index_sequence<before>{});
                return s;
            }
            last_[seen_++].emplace(std::move(*in));
        }
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        auto const pass = [&](element&& x) COIR_FUSED_LAMBDA {
            if (seen_ != before) {
                last_[seen_++].emplace(std::move(x));
                return true;
            }
            std::optional<value_type> made;
            this->give(std::move(x), made, std::make_index_sequence<before>{});
            return give(std::move(*made));
        };
        return pull_each(this->up_, f, giving(give, pass));
    }

private:
    static constexpr std::size_t before = N::value - 1;

    // The oldest one goes, and the others take its place.
    template <std::size_t... I>
    void give(element&& newest, std::optional<value_type>& out, std::index_sequence<I...>) {
        out.emplace(std::as_const(*last_[I])..., std::as_const(newest));
        for (std::size_t i = 1; i < before; ++i) {
            last_[i - 1].emplace(std::move(*last_[i]));
        }
        last_[before - 1].emplace(std::move(newest));
    }

    std::array<std::optional<element>, before> last_;
    std::size_t seen_ = 0;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// std::vector<T> of `n` elements each; the last one may be shorter. If upstream fails, what was
// gathered until then is given before the failure. Throws std::invalid_argument for less than 1.
inline auto chunk(detail::count_argument n) {
    if (n.value() == 0) {
        throw std::invalid_argument{"coir: a chunk has at least one element"};
    }
    return detail::make_stage<detail::chunk_stage>(n.value());
}

// Each run of N neighbours: 1 2 3 4 -> (1 2) (2 3) (3 4); a std::pair<T, T>, or a std::tuple of
// N. Nothing if there are fewer than N elements.
template <std::size_t N = 2>
auto adjacent() {
    static_assert(N >= 2, "coir: it takes two to be adjacent");
    return detail::make_stage<detail::adjacent_stage>(std::integral_constant<std::size_t, N>{});
}

} // namespace coir::inline v0::streams
