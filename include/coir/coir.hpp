// All of coir but interop/, testing/ and trace/.
//
//     #include <coir/coir.hpp>
//
//     coir::task<int> answer() { co_return 42; }
//     int main() { return coir::sync_wait(answer()).value() == 42 ? 0 : 1; }
#pragma once

#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/dump.hpp>
#include <coir/errors.hpp>
#include <coir/fail.hpp>
#include <coir/fiber.hpp>
#include <coir/fiber_local.hpp>
#include <coir/fiber_map.hpp>
#include <coir/fiber_set.hpp>
#include <coir/fiber_slot.hpp>
#include <coir/interrupt.hpp>
#include <coir/outcome.hpp>
#include <coir/result.hpp>
#include <coir/runtime/blocking.hpp>
#include <coir/runtime/on.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/scheduler.hpp>
#include <coir/runtime/sync_wait.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/schedule.hpp>
#include <coir/scope.hpp>
#include <coir/stream.hpp>
#include <coir/sync/pubsub.hpp>
#include <coir/sync/queue.hpp>
#include <coir/sync/watch.hpp>
#include <coir/task.hpp>
#include <coir/time.hpp>
#include <coir/version.hpp>
