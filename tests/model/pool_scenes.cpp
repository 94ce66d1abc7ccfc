// Workers of a pool go to sleep while work is posted: as much runs at once as there are workers.
#include "pool_stage.hpp"
#include "scenes.hpp"

namespace scenario {

namespace {

constexpr scene all[] = {
    {"pool/post", 3, [](pool_stage& s) {
         s.has_workers(1);
         s.posts(1);
     }},
    {"pool/post more than workers", 2, [](pool_stage& s) {
         s.has_workers(1);
         s.posts(2);
     }},
    {"pool/post two", 2, [](pool_stage& s) {
         s.has_workers(2);
         s.posts(2);
     }},
    {"pool/post/post", 1, [](pool_stage& s) {
         s.has_workers(2);
         s.posts(1);
         s.posts(1);
     }},
    {"pool/post three", 0, [](pool_stage& s) {
         s.has_workers(3);
         s.posts(3);
     }},
    {"pool/bring", 2, [](pool_stage& s) {
         s.has_workers(2);
         s.posts_one_that_brings(1);
     }},
    {"pool/bring two", 0, [](pool_stage& s) {
         s.has_workers(3);
         s.posts_one_that_brings(2);
     }},
    {"pool/bring/post", 1, [](pool_stage& s) {
         s.has_workers(2);
         s.posts_one_that_brings(1);
         s.posts(1);
     }},
    {"pool/bring/post to three", 0, [](pool_stage& s) {
         s.has_workers(3);
         s.posts_one_that_brings(1);
         s.posts(1);
     }},
    {"pool/bring more than a deque holds", 1, [](pool_stage& s) {
         s.has_workers(2);
         s.posts_one_that_brings(3);
     }},
    {"pool/bring what both may take", 2, [](pool_stage& s) {
         s.has_workers(2);
         s.posts_one_that_brings(1);
         s.nobody_waits();
     }},
    {"pool/bring more than both may take", 1, [](pool_stage& s) {
         s.has_workers(2);
         s.posts_one_that_brings(3);
         s.nobody_waits();
     }},
    {"pool/yield/post", 1, [](pool_stage& s) {
         s.has_workers(2);
         s.posts_one_that_yields();
         s.posts(1);
     }},
    {"pool/arm", 3, [](pool_stage& s) {
         s.has_workers(1);
         s.arms();
     }},
    {"pool/arm/post", 1, [](pool_stage& s) {
         s.has_workers(2);
         s.arms();
         s.posts(1);
     }},
    {"pool/arm two/post to three", 0, [](pool_stage& s) {
         s.has_workers(3);
         s.arms(2);
         s.posts(1);
     }},
};

const added these{all};

} // namespace

} // namespace scenario
