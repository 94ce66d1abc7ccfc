// What nearly every test includes, compiled once. Tests include what they use nevertheless:
// the presets that have no precompiled headers (clang-debug, gcc-release) see it.
#pragma once

#include <coir/coir.hpp>
#include <coir/testing/explore.hpp>
#include <coir/testing/marbles.hpp>
#include <coir/testing/test_scheduler.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
