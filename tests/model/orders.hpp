// Which memory orders the program asks for, and the one of them that is weakened.
//
//     order = orders.asked({where, order_site::operation::load, order});
#pragma once

#include "explorer.hpp"

#include <optional>
#include <unordered_map>
#include <vector>

namespace model::detail {

class order_book {
public:
    void start(const std::optional<weakening>&);

    /// Takes down what is asked for, and returns what the operation gets.
    std::memory_order asked(const order_site& site);

    /// Everything that was asked for, by file and line.
    [[nodiscard]] std::vector<order_site> all() const;

private:
    struct entry {
        order_site site;
        std::memory_order given;
    };
    std::memory_order add(const order_site& site, std::vector<entry>& with_this_key);

    std::optional<weakening> weaken_;
    std::unordered_map<std::size_t, std::vector<entry>> entries_;
};

} // namespace model::detail
