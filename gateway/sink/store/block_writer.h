#pragma once

#include <cstdint>
#include <functional>

#include "common/base/result.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/memtable.h"
#include "gateway/sink/store/store_options.h"

namespace wirespan::gateway::store {

// Writes a table as a block into an empty file, spans of one trace beside each other, and syncs it.
// `reserve` is asked before each write of so many bytes. Memory: one page, and the index. After an
// error the file holds a part that no reader takes for a whole block. Returns the file's size.
Result<std::uint64_t> WriteBlock(const Memtable& table, const StoreOptions& options,
                                 queue::DiskFile& file,
                                 const std::function<Result<>(std::uint64_t bytes)>& reserve);

}  // namespace wirespan::gateway::store
