#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

using config::Node;

BatchOptions ReadBatch(const Node& node) {
  BatchOptions batch;
  batch.timeout = ReadDuration(node["timeout"], batch.timeout);
  batch.send_batch_size = static_cast<std::uint64_t>(
      node["send_batch_size"].Int(static_cast<std::int64_t>(batch.send_batch_size), 0, 1 << 30));
  batch.send_batch_max_size =
      static_cast<std::uint64_t>(node["send_batch_max_size"].Int(0, 0, 1 << 30));
  node.RefuseOthers();
  if (batch.send_batch_max_size > 0 && batch.send_batch_max_size < batch.send_batch_size) {
    node["send_batch_max_size"].Fail("send_batch_max_size must not be less than send_batch_size");
  }
  return batch;
}

}  // namespace

ProcessorConfig LoadProcessor(const Node&, const std::string&, const Node& node) {
  return ReadBatch(node);
}

}  // namespace wirespan::gateway
