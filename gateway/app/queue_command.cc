#include "gateway/app/queue_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "common/queue/dump.h"
#include "gateway/app/run.h"

namespace wirespan::gateway {

int DumpQueue(const std::string& folder) {
  auto disk = queue::OpenFolderForReading(folder);
  if (!disk) {
    fmt::print(stderr, "wirespan-gateway: {}\n", disk.error().message);
    return kExitFailed;
  }
  const auto dumped = queue::Dump(**disk, [](std::string_view line) { fmt::print("{}\n", line); });
  if (!dumped) {
    fmt::print(stderr, "wirespan-gateway: {}\n", dumped.error().message);
    return kExitFailed;
  }
  return kExitOk;
}

}  // namespace wirespan::gateway
