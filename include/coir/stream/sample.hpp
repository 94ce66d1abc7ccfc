// sample: the newest element of each period.
//
//     positions | streams::sample(100ms)
#pragma once

#include <coir/stream/holding.hpp>

namespace coir::inline v0::detail {

template <class Up>
class sample_hold : public plain_hold {
public:
    using value_type = typename Up::value_type;

    sample_hold(clock::duration period, stage_scope&, clock::time_point now) noexcept : period_{period}, begin_{now} {}

    bool add(inlet<Up>& in, clock::time_point now) {
        if (!newest_ && period_ != period_.zero()) {
            begin_ += (now - begin_) / period_ * period_;
        }
        in.take(newest_);
        return false;
    }
    clock::time_point due() const noexcept { return newest_ ? deadline_after(begin_, period_) : never_due; }
    bool is_empty() const noexcept { return !newest_; }
    void give(std::optional<value_type>& out) {
        out.emplace(std::move(*newest_));
        newest_.reset();
    }

private:
    clock::duration period_;
    clock::time_point begin_; // of the period of the newest element
    std::optional<value_type> newest_;
};

template <class Up, class Period>
class sample_stage : public holding_stage<Up, sample_hold<Up>, Period> {
    using holding_stage<Up, sample_hold<Up>, Period>::holding_stage;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The newest element of each period, at its end; nothing for a period without an element. Periods
// of length `d` follow each other from the first pull on; 0 passes everything. When upstream ends,
// the newest of the period that is not over is given at once; when it fails, that is dropped.
// While the consumer is busy, upstream is one element ahead. Throws std::invalid_argument for a
// negative time.
template <class D>
auto sample(D d) {
    return detail::make_stage<detail::sample_stage>(detail::stage_time(d, "sample"));
}

} // namespace coir::inline v0::streams
