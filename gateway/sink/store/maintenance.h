#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/trace_id.h"

// What the `store` commands do with a store's folder, beside a store or without one.
namespace wirespan::gateway::store {

using PrintLine = std::function<void(std::string_view line)>;

// Reads every file to its end and prints a line for each: what it holds, and what of it can't be
// read. False: there is damage. Changes nothing, and may run beside a store.
Result<bool> VerifyStore(queue::Disk& disk, const PrintLine& print);

// Prints what is held, a line of OTLP's JSON for each request or page; with an id that trace alone.
// A span that came twice may be printed twice. Returns the number of spans. Changes nothing, and
// may run beside a store, which may delete what has not been printed yet.
Result<std::uint64_t> DumpStore(queue::Disk& disk, const std::optional<TraceId>& trace,
                                const PrintLine& print);

// Copies the files of one moment, synced. `to` is empty. May run beside a store: what was
// acknowledged before is in the copy, save for blocks that retention takes away meanwhile. Returns
// the number of files.
Result<std::uint64_t> BackUpStore(queue::Disk& from, queue::Disk& to);

// Takes a trace's spans out of all files, each of which is replaced at once. Rates go on counting
// them. No store has the folder meanwhile. Returns the number of spans.
Result<std::uint64_t> DeleteTrace(queue::Disk& disk, const TraceId& trace);

}  // namespace wirespan::gateway::store
