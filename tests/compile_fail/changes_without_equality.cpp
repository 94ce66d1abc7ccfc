// error: coir: changes compares elements, or what its function gives, with ==
#include <coir/stream.hpp>

struct point {
    int x;
};

auto moves(std::vector<point> points) {
    return coir::streams::from(std::move(points)) | coir::streams::changes(MISTAKE(, &point::x));
}
