// One stream as two: what matches, and the rest.
//
//     auto [good, bad] = checks() | coir::streams::partition(s, passed, 100);
//     s.fork(archive, std::move(good));
//     s.fork(report, std::move(bad));
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/stream/broadcast.hpp>
#include <coir/stream/shared/partition_log.hpp>

namespace coir::inline v0::streams {

// Both are streams, to be passed on as rvalues.
template <class Source>
struct partitioned {
    Source matching;
    Source rest;
};

} // namespace coir::inline v0::streams

namespace coir::inline v0::detail {

template <class Up, class F>
using partition_run = shared_run<partition_log<typename Up::value_type, F>, typename Up::error_type>;

template <class Up, class Owner, class F>
auto partition_of(Up&& up, Owner owner, F&& matches, std::size_t most) {
    using run = partition_run<Up, F>;
    using source = shared_source<run>;
    auto const upstream = std::make_shared<shared_upstream<run>>();
    auto const user = user_of(upstream);
    auto const make = [&] {
        return std::make_shared<run>(typename run::log{most, std::move(matches)}, unused_run::waits);
    };
    auto const join = [&](bool side) {
        typename run::reader r{side};
        auto joined = upstream->join(r, true, make);
        return source{user, std::move(joined), std::move(r)};
    };
    source matching = join(true);
    source rest = join(false);
    owner.start(pull_once<run, given_once<Up>>, upstream_keeper<run>{upstream}, given_once<Up>{std::move(up)});
    return streams::partitioned<source>{std::move(matching), std::move(rest)};
}

template <class Up, class Owner, class F, class N>
class partition_stage : public streams::partitioned<shared_source<partition_run<Up, F>>> {
    static_assert(std::predicate<F&, typename Up::value_type const&>,
                  "coir: partition takes a function of one element that returns bool");
    static_assert(std::same_as<std::remove_cvref_t<std::invoke_result_t<F&, typename Up::value_type const&>>, bool>,
                  "coir: partition takes a function of one element that returns bool");

public:
    partition_stage(Up&& up, Owner owner, F&& matches, std::size_t most)
        : streams::partitioned<shared_source<partition_run<Up, F>>>{
              partition_of(std::move(up), owner, std::move(matches), most)} {}
};

template <class Owner, class F>
auto partition_by(Owner owner, F&& matches, std::size_t most) {
    if (most == 0) {
        throw std::invalid_argument{"coir: the sides of a partition may be apart by at least one element"};
    }
    return make_stage<partition_stage>(owner, std::forward<F>(matches), most);
}

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// `source | partition(s, matches, n)` -> two streams, `auto [matching, rest]`: each element goes to
// one of them, moved, in order. A fiber pulls `source` when one of them wants an element, and holds
// up to `n` for the other; when these are there, the one waits for the other. So read both at once,
// or be sure that `n` is enough.
//
// The end of the source, also its failure or defect, and what `matches` throws, comes to both.
// One that stops early no longer holds back the other: its elements are dropped. When both have
// stopped, the source is closed, and the last one's sink waits for that. It is closed at the latest
// by the end of the scope `s`, or of the current fiber, as in broadcast. Throws
// std::invalid_argument for an `n` of less than 1.
template <class S, class F>
auto partition(scope<S>& s, F&& matches, detail::count_argument n = 16) {
    COIR_CHECK_CLOSURE(F);
    return detail::partition_by(detail::owned_by_scope<S>{s}, std::forward<F>(matches), n.value());
}
template <class F>
auto partition(F&& matches, detail::count_argument n = 16) {
    COIR_CHECK_CLOSURE(F);
    return detail::partition_by(detail::owned_by_fiber{}, std::forward<F>(matches), n.value());
}

} // namespace coir::inline v0::streams
