#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/strings.h"
#include "gateway/app/components.h"
#include "gateway/app/load_attributes.h"
#include "gateway/app/load_components.h"
#include "gateway/app/load_filter.h"
#include "gateway/app/load_k8s_attributes.h"

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
  batch.metadata_keys = ReadMetadataKeys(node["metadata_keys"]);
  batch.metadata_cardinality_limit =
      static_cast<std::uint64_t>(node["metadata_cardinality_limit"].Int(1000, 0, 1 << 30));
  node.RefuseOthers();
  if (batch.send_batch_max_size > 0 && batch.send_batch_max_size < batch.send_batch_size) {
    node["send_batch_max_size"].Fail("send_batch_max_size must not be less than send_batch_size");
  }
  return batch;
}

MemoryLimiterOptions ReadMemoryLimiter(const Node& node) {
  constexpr std::int64_t kMaxMib = std::int64_t{1} << 30;
  MemoryLimiterOptions options;
  const std::int64_t mib = node["limit_mib"].Int(0, 0, kMaxMib);
  const std::int64_t spike_mib = node["spike_limit_mib"].Int(0, 0, kMaxMib);
  options.limit_bytes = static_cast<std::uint64_t>(mib) << 20;
  options.limit_percentage = static_cast<unsigned>(node["limit_percentage"].Int(0, 0, 100));
  const std::int64_t spike = node["spike_limit_percentage"].Int(0, 0, 100);
  if (node["check_interval"].Duration(std::chrono::nanoseconds(0)).count() == 0) {
    node.Fail("memory_limiter needs a check_interval above 0, such as 1s");
  }
  node["min_gc_interval_when_soft_limited"].Duration(std::chrono::nanoseconds(0));
  node["min_gc_interval_when_hard_limited"].Duration(std::chrono::nanoseconds(0));
  node["max_gc_interval_when_soft_limited"].Duration(std::chrono::nanoseconds(0));
  node["max_gc_interval_when_hard_limited"].Duration(std::chrono::nanoseconds(0));
  node.RefuseOthers();
  if (mib == 0 && options.limit_percentage == 0) {
    node.Fail("memory_limiter needs limit_mib or limit_percentage");
  } else if (mib > 0 ? spike_mib >= mib : spike >= options.limit_percentage) {
    node.Fail("the spike limit must be less than the limit");
  }
  return options;
}

SamplerOptions ReadSampler(const Node& node) {
  using Mode = SamplerOptions::Mode;
  SamplerOptions options;
  options.sampling_percentage = static_cast<float>(
      node["sampling_percentage"].Number(0, 0, std::numeric_limits<float>::max()));
  options.hash_seed = static_cast<std::uint32_t>(
      node["hash_seed"].Int(0, 0, std::numeric_limits<std::uint32_t>::max()));
  options.mode = node["mode"].Choice<Mode>(Mode::kUnset, {{"hash_seed", Mode::kHashSeed},
                                                          {"proportional", Mode::kProportional},
                                                          {"equalizing", Mode::kEqualizing}});
  options.fail_closed = node["fail_closed"].Bool(true);
  options.sampling_precision = static_cast<int>(node["sampling_precision"].Int(4, 1, 14));
  options.from_record =
      node["attribute_source"].Choice(false, {{"traceID", false}, {"record", true}});
  options.from_attribute = node["from_attribute"].String();
  options.sampling_priority = node["sampling_priority"].String();
  node.RefuseOthers();
  return options;
}

}  // namespace

// Headers have no case; two spellings of one are one too many, as in the Collector.
std::vector<std::string> ReadMetadataKeys(const Node& node) {
  std::vector<std::string> keys = node.Strings();
  for (std::string& key : keys) key = AsciiLower(key);
  std::vector<std::string> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) node.Fail(fmt::format("\"{}\" stands here twice", *twice));
  return keys;
}

ProcessorConfig LoadProcessor(const Node&, const std::string& id, const Node& node) {
  const std::string_view type = TypeOf(id);
  if (type == "attributes") return ReadAttributesProcessor(node);
  if (type == "filter") return ReadFilterProcessor(node);
  if (type == "k8sattributes" || type == "k8s_attributes") return ReadK8sAttributes(node);
  if (type == "memory_limiter") return ReadMemoryLimiter(node);
  if (type == "probabilistic_sampler") return ReadSampler(node);
  if (type == "resource") return ReadResourceProcessor(node);
  return ReadBatch(node);
}

}  // namespace wirespan::gateway
