#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/queue/durable_queue.h"
#include "gateway/pipeline/batch.h"

// Batches as records of a durable queue: docs/format/queue.md has the layout of meta.
namespace wirespan::gateway {

struct StoredForm {
  std::string meta{};
  std::vector<std::string_view> payload{};  // views into `keep`
  std::shared_ptr<const Bytes> keep{};      // comes back from the queue while memory lasts
};
// As received where the bytes are still what was received: compressed stays compressed.
StoredForm ToStored(const Batch& batch);

// False: of a later version of meta, or damaged. `pipeline`: where it came from.
bool FromStored(queue::DurableQueue::Record record, Batch& batch, std::string& pipeline);

// Headers that carry secrets are used while the request is in memory and never written to disk.
bool IsCredential(std::string_view key);

}  // namespace wirespan::gateway
