#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

using config::Node;

// Headers have no case; two spellings of one are one too many, as in the Collector.
std::vector<std::string> ReadLowerCase(const Node& node) {
  std::vector<std::string> keys = node.Strings();
  for (std::string& key : keys) {
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  std::vector<std::string> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) node.Fail(fmt::format("\"{}\" stands here twice", *twice));
  return keys;
}

BatchOptions ReadBatch(const Node& node) {
  BatchOptions batch;
  batch.timeout = ReadDuration(node["timeout"], batch.timeout);
  batch.send_batch_size = static_cast<std::uint64_t>(
      node["send_batch_size"].Int(static_cast<std::int64_t>(batch.send_batch_size), 0, 1 << 30));
  batch.send_batch_max_size =
      static_cast<std::uint64_t>(node["send_batch_max_size"].Int(0, 0, 1 << 30));
  batch.metadata_keys = ReadLowerCase(node["metadata_keys"]);
  batch.metadata_cardinality_limit =
      static_cast<std::uint64_t>(node["metadata_cardinality_limit"].Int(1000, 0, 1 << 30));
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
