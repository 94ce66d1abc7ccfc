// Every memory order of the headers below is needed: weakened by one step, and it alone, it makes a
// scene fail; or it is in harmless_orders.hpp, with the reason why nothing can go wrong.
#include "harmless_orders.hpp"
#include "scenes.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using model::order_site;
using scenario::scene;

constexpr std::string_view headers[] = {"waiter_list.hpp", "deferred_cell.hpp", "claim.hpp",
                                        "cancel_state.hpp", "region.hpp",       "region_signal.hpp",
                                        "wait_leaf.hpp",    "fiber_base.hpp",   "spin_lock.hpp",
                                        "shared_queue.hpp", "idle_workers.hpp"};

constexpr std::uint64_t enough = 1'000; // schedules of a scene at each bound, within which a mistake is found

/// An order that is asked for, with the scenes in which it is.
struct place {
    order_site site;
    std::string name; // of all orders in the library
    std::vector<const scene*> scenes;
};

bool is_ours(const order_site& site) {
    const auto file = site.text();
    return std::any_of(std::begin(headers), std::end(headers), [&](auto header) { return file.starts_with(header); });
}

bool comes_before(const place& a, const place& b) {
    const auto position = [](const place& p) { return std::tuple(p.site.at.line(), p.site.at.column(), p.site.what); };
    const std::string_view one = a.site.at.file_name(), other = b.site.at.file_name();
    return one != other ? one < other : position(a) < position(b);
}

/// Where the scenes ask for an order, in the order of the source.
std::vector<place> survey() {
    std::vector<place> all;
    for (const scene* each : scenario::scenes()) {
        const auto result = scenario::explore(*each, {.preemptions = 1, .max_schedules = enough});
        for (const order_site& site : result.orders) {
            if (!is_ours(site)) continue;
            auto found = std::find_if(all.begin(), all.end(), [&](const place& p) { return p.site == site; });
            if (found == all.end()) found = all.insert(found, {site, site.text(), {}});
            found->scenes.push_back(each);
        }
    }
    std::sort(all.begin(), all.end(), comes_before);
    std::map<std::string, int> same;
    for (auto& each : all)
        if (const int number = ++same[each.name]; number > 1) each.name += " (" + std::to_string(number) + ')';
    return all;
}

/// One step weaker. A load cannot release, a store cannot acquire.
std::vector<std::memory_order> weaker(const order_site& site) {
    switch (site.order) {
    case std::memory_order_seq_cst:
        if (site.what == order_site::operation::store) return {std::memory_order_release};
        if (site.what == order_site::operation::load || site.what == order_site::operation::failed_compare_exchange)
            return {std::memory_order_acquire};
        return {std::memory_order_acq_rel};
    case std::memory_order_acq_rel: return {std::memory_order_acquire, std::memory_order_release};
    case std::memory_order_acquire:
    case std::memory_order_release: return {std::memory_order_relaxed};
    default: return {};
    }
}

/// Runs all scenes that ask for the order with more and more effort, until one fails.
class search {
public:
    search(const place& where, std::memory_order to) : where_(where), to_(to) {
        explore(1, 0);
        explore(1, 1);
        explore(2, 1);
    }

    [[nodiscard]] bool found() const { return found_; }
    [[nodiscard]] std::uint64_t schedules() const { return schedules_; }
    [[nodiscard]] std::string text() const {
        return std::to_string(schedules_) + " schedules" + (found_ ? " to " + report_ : std::string(", not found"));
    }

private:
    void explore(std::size_t preemptions, std::size_t deviations) {
        for (const scene* each : where_.scenes) {
            if (found_) return;
            const auto result = scenario::explore(*each, {.preemptions = preemptions,
                                                          .deviations = deviations,
                                                          .max_schedules = enough,
                                                          .weaken = model::weakening{where_.site, to_}});
            schedules_ += result.schedules();
            if (!result.failure) continue;
            found_ = true;
            report_ = std::string(model::name(result.failure->broken)) + " in " + std::string(each->name);
        }
    }

    const place& where_;
    std::memory_order to_;
    std::uint64_t schedules_ = 0;
    bool found_ = false;
    std::string report_;
};

const scenario::harmless_order* listed(const std::string& name) {
    const auto found = std::find_if(std::begin(scenario::harmless_orders), std::end(scenario::harmless_orders),
                                    [&](const auto& each) { return each.what == name; });
    return found == std::end(scenario::harmless_orders) ? nullptr : &*found;
}

} // namespace

TEST_CASE("each memory order, weakened by a step, is missed, or is known to be harmless") {
    std::uint64_t schedules = 0;
    std::set<std::string> tried;
    for (const place& each : survey()) {
        for (const auto to : weaker(each.site)) {
            const auto name = each.name + " -> " + std::string(model::name(to));
            const search attempt(each, to);
            const auto* reason = listed(name);
            tried.insert(name);
            schedules += attempt.schedules();
            std::cout << name << ": " << attempt.text() << (reason != nullptr ? ", listed" : "") << std::endl;
            INFO(name);
            CHECK(attempt.found() == (reason == nullptr));
        }
    }
    for (const auto& each : scenario::harmless_orders) {
        INFO("listed, but asked for nowhere: " << each.what);
        CHECK(tried.contains(std::string(each.what)));
    }
    std::cout << tried.size() << " orders weakened, " << schedules << " schedules\n";
}
