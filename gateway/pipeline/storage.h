#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "gateway/pipeline/signal.h"

namespace wirespan::gateway {

// A file_storage extension: the folder exists and can be written to by the time an exporter gets
// it.
struct StorageDirectory {
  std::string id{};  // "file_storage/x"
  std::string path{};
  // The Collector's default is false, which loses acknowledged data when the power fails; ours is
  // true, and `fsync: false` in the file means what it says.
  bool fsync = true;
  unsigned directory_mode = 0750;  // of folders made below

  // The folder of one exporter's queue: "<path>/exporter_otlp_2_traces" for otlp/2. Not made yet.
  std::string FolderOf(std::string_view component_id, Signal signal) const;
};

}  // namespace wirespan::gateway
