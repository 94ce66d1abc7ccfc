// How many exceptions the program has thrown. Rethrowing a std::exception_ptr does not count.
#pragma once

long throws_so_far();
