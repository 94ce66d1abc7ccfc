// Bounded parallelism: a few workers that take the next element each.
#pragma once

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/detail/std/ranges.hpp>
#include <coir/detail/when_range.hpp>
#include <coir/time.hpp>

#include <vector>

namespace coir::inline v0::detail {

// What the workers of one for_each share.
template <std::ranges::input_range Range, class F>
class for_each_work {
    using element = std::ranges::range_reference_t<Range>;
    using operation = operation_of<std::invoke_result_t<F&, element>>;
    using result = regular<member_value<operation>>;

public:
    using value_type = std::vector<result>;
    using error_type = typename operation::error_type;

    template <class R, class G>
    for_each_work(R&& range, G&& f) : range_(std::forward<R>(range)), f_(std::forward<G>(f)) {
        for (auto at = std::ranges::begin(range_); at != std::ranges::end(range_); ++at) {
            if constexpr (std::ranges::forward_range<Range>) {
                elements_.push_back(at);
            } else {
                elements_.push_back(*at); // there is only this one pass
            }
        }
        results_.resize(elements_.size());
    }

    std::size_t size() const noexcept { return elements_.size(); }

    // Takes elements until there is none left. A worker that was asked to stop begins no other.
    task<void, error_type> work() {
        for (;;) {
            co_await checkpoint();
            // relaxed: the elements were there before the workers; an index goes to one of them.
            std::size_t const i = next_.fetch_add(1, std::memory_order_relaxed);
            if (i >= elements_.size()) {
                co_return;
            }
            if constexpr (std::is_void_v<typename operation::value_type>) {
                co_await detail::invoke(f_, at(i));
                results_[i].emplace();
            } else {
                results_[i].emplace(co_await detail::invoke(f_, at(i)));
            }
        }
    }

    value_type take() {
        value_type values;
        values.reserve(results_.size());
        for (auto& r : results_) {
            values.push_back(*std::move(r));
        }
        return values;
    }

private:
    static constexpr bool by_iterator = std::ranges::forward_range<Range>;
    using stored_element = typename decltype([] {
        if constexpr (by_iterator) {
            return std::type_identity<std::ranges::iterator_t<Range>>{};
        } else {
            return std::type_identity<std::ranges::range_value_t<Range>>{};
        }
    }())::type;

    decltype(auto) at(std::size_t i) {
        if constexpr (by_iterator) {
            return *elements_[i];
        } else {
            return static_cast<element&&>(elements_[i]);
        }
    }

    Range range_;
    F f_;
    std::vector<stored_element> elements_;
    std::vector<std::optional<result>> results_;
    atomic<std::size_t> next_{0};
};

template <class Range, class F>
task<typename for_each_work<Range, F>::value_type, typename for_each_work<Range, F>::error_type>
run_for_each(Range range, F f, std::size_t limit) {
    using work = for_each_work<Range, F>;
    work shared{std::move(range), std::move(f)};
    std::vector<operation_of<task<void, typename work::error_type>>> workers;
    for (std::size_t i = 0; i < (std::min)(limit, shared.size()); ++i) {
        workers.push_back(to_operation(shared.work()));
    }
    auto all = when_all_range_operation<operation_of<task<void, typename work::error_type>>>{std::move(workers)};
    co_await std::move(all);
    co_return shared.take();
}

} // namespace coir::inline v0::detail
