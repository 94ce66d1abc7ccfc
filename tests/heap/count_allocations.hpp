// Every allocation of the program since its start, on all threads.
#pragma once

struct allocations {
    long made;
    long freed;
    long live() const { return made - freed; }
};

allocations allocations_so_far();
