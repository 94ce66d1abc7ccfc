// Streams: sequences that may wait, fail, be interrupted, and always clean up.
//
//     auto const words = co_await (response
//                                  | coir::streams::decode_utf8()
//                                  | coir::streams::split_lines()
//                                  | coir::streams::interrupt_when(stop)
//                                  | coir::streams::to_vector());
//
// A pipeline is a value; stages are fused at compile time. However it ends, its finalizers have
// run once before the sink's result is seen.
#pragma once

#include <coir/stream/acquiring.hpp>
#include <coir/stream/blocking_range.hpp>
#include <coir/stream/broadcast.hpp>
#include <coir/stream/buffer.hpp>
#include <coir/stream/chunk_within.hpp>
#include <coir/stream/chunking.hpp>
#include <coir/stream/concept.hpp>
#include <coir/stream/debounce.hpp>
#include <coir/stream/debounce_collect.hpp>
#include <coir/stream/ending.hpp>
#include <coir/stream/exiting.hpp>
#include <coir/stream/flat_map_par.hpp>
#include <coir/stream/flattening.hpp>
#include <coir/stream/from_callback.hpp>
#include <coir/stream/from_watch.hpp>
#include <coir/stream/generator.hpp>
#include <coir/stream/halting.hpp>
#include <coir/stream/interval.hpp>
#include <coir/stream/into_queue.hpp>
#include <coir/stream/joining.hpp>
#include <coir/stream/merge.hpp>
#include <coir/stream/pacing.hpp>
#include <coir/stream/partition.hpp>
#include <coir/stream/per_element.hpp>
#include <coir/stream/recovering.hpp>
#include <coir/stream/retry.hpp>
#include <coir/stream/sample.hpp>
#include <coir/stream/scanning.hpp>
#include <coir/stream/share.hpp>
#include <coir/stream/sinks.hpp>
#include <coir/stream/sources.hpp>
#include <coir/stream/sources_of_values.hpp>
#include <coir/stream/sources_of_work.hpp>
#include <coir/stream/summarizing.hpp>
#include <coir/stream/switch_map.hpp>
#include <coir/stream/taking.hpp>
#include <coir/stream/text.hpp>
#include <coir/stream/timeout.hpp>
#include <coir/stream/transform_par.hpp>
#include <coir/stream/with_stream.hpp>
#include <coir/stream/zip.hpp>
