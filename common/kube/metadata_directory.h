#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/kube/metadata.h"
#include "common/kube/watched_set.h"

namespace wirespan::kube {

struct MetadataDirectoryOptions {
  std::string resource{};  // the watch's, for labels
  MetadataOptions objects{};
  // Deleted ones included; beyond it new ones are left out, counted. Some 300 bytes each, without
  // labels.
  std::size_t max_objects = 65536;
  std::chrono::seconds grace{120};
};

// Objects of one kind, by uid or name. Thread-safe.
class MetadataDirectory final : public WatchedSet<Metadata> {
 public:
  MetadataDirectory(MetadataDirectoryOptions options, const Clock& clock,
                    telemetry::Registry& registry);

  RecordPtr FindByUid(std::string_view uid) const;
  // Of several, the one that was told last: for kinds whose names are unique in a cluster.
  RecordPtr FindByName(std::string_view name) const;

 private:
  std::optional<Metadata> Read(const Object& object) const override;
  void Index(const RecordPtr& object) override;
  void Unindex(const Metadata& object) override;

  const MetadataDirectoryOptions options_;
  StringMap<std::string> names_;  // -> uid
};

}  // namespace wirespan::kube
