#include <coir/version.hpp>

int main() { return COIR_VERSION > 0 ? 0 : 1; }
