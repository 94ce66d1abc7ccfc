#include "orders.hpp"

#include <algorithm>
#include <tuple>

namespace model {

namespace {

std::string_view file_of(const order_site& site) {
    const std::string_view path = site.at.file_name();
    return path.substr(path.find_last_of('/') + 1);
}

auto place(const order_site& site) {
    return std::tuple(file_of(site), site.at.line(), site.at.column(), site.what, site.order);
}

std::string without_template_arguments(std::string_view name) {
    std::string plain;
    int depth = 0;
    for (const char c : name) {
        depth += c == '<' ? 1 : 0;
        if (depth == 0) plain += c;
        depth -= c == '>' ? 1 : 0;
    }
    return plain;
}

// "class::function" of what a compiler says: with the type it returns, all namespaces, and what
// the templates' parameters are.
std::string function_of(const order_site& site) {
    auto name = without_template_arguments(site.at.function_name());
    name.resize((std::min)(name.find('('), name.size()));
    name.erase(0, name.find_last_of(' ') + 1);
    const auto function = name.rfind("::");
    const auto scope = function == std::string::npos || function == 0 ? std::string::npos : name.rfind("::", function - 1);
    return scope == std::string::npos ? name : name.substr(scope + 2);
}

std::string_view name(order_site::operation what) {
    switch (what) {
    case order_site::operation::load: return "load";
    case order_site::operation::store: return "store";
    case order_site::operation::modify: return "read-modify-write";
    case order_site::operation::compare_exchange: return "compare-exchange";
    case order_site::operation::failed_compare_exchange: return "failed compare-exchange";
    case order_site::operation::fence: return "fence";
    }
    return "?";
}

} // namespace

bool order_site::operator==(const order_site& other) const noexcept { return place(*this) == place(other); }

std::string order_site::text() const {
    return std::string(file_of(*this)) + ' ' + function_of(*this) + ", " + std::string(name(what)) + ' ' +
           std::string(name(order));
}

std::string_view name(std::memory_order order) {
    switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: return "seq_cst";
    }
    return "?";
}

} // namespace model

namespace model::detail {

void order_book::start(const std::optional<weakening>& weaken) {
    weaken_ = weaken;
    entries_.clear();
}

// Millions of calls find what is there; the key tells nearly all places apart.
std::memory_order order_book::asked(const order_site& site) {
    const auto position = (std::size_t{site.at.line()} << 10) + site.at.column();
    const auto key = (position * 8 + static_cast<std::size_t>(site.what)) * 8 + static_cast<std::size_t>(site.order);
    auto& with_this_key = entries_[key];
    for (const entry& each : with_this_key)
        if (each.site.at.file_name() == site.at.file_name() || each.site == site) return each.given;
    return add(site, with_this_key);
}

std::memory_order order_book::add(const order_site& site, std::vector<entry>& with_this_key) {
    const bool weaker = weaken_ && weaken_->where == site;
    return with_this_key.emplace_back(entry{site, weaker ? weaken_->to : site.order}).given;
}

std::vector<order_site> order_book::all() const {
    std::vector<order_site> found;
    for (const auto& [key, same_key] : entries_)
        for (const entry& each : same_key) found.push_back(each.site);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return place(a) < place(b); });
    return found;
}

} // namespace model::detail
