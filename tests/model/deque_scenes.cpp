// Thieves take the oldest while the owner takes the newest, which may be the same.
#include "deque_stage.hpp"
#include "scenes.hpp"

namespace scenario {

namespace {

constexpr scene all[] = {
    {"deque/pop one/steal", 4, [](deque_stage& s) {
         s.owner_pushes_and_pops(1);
         s.steals();
     }},
    {"deque/pop/steal", 4, [](deque_stage& s) {
         s.owner_pushes_and_pops(2);
         s.steals();
     }},
    {"deque/pop/steal/steal", 3, [](deque_stage& s) {
         s.owner_pushes_and_pops(2);
         s.steals();
         s.steals();
     }},
    {"deque/pop each/steal/steal", 3, [](deque_stage& s) {
         s.owner_pops_each(3);
         s.steals();
         s.steals();
     }},
    {"deque/move half/steal", 4, [](deque_stage& s) {
         s.owner_moves_half(2);
         s.steals();
     }},
};

const added these{all};

} // namespace

} // namespace scenario
