#include "gateway/app/store_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string_view>

#include "gateway/app/run.h"
#include "gateway/query/trace_params.h"
#include "gateway/sink/store/maintenance.h"

namespace wirespan::gateway {

namespace {

int Failed(std::string_view message) {
  fmt::print(stderr, "wirespan-gateway: {}\n", message);
  return kExitFailed;
}

void PrintLine(std::string_view line) { fmt::print("{}\n", line); }

}  // namespace

int VerifyStoreFolder(const std::string& directory) {
  auto disk = queue::OpenFolderForReading(directory);
  if (!disk) return Failed(disk.error().message);
  const auto sound = store::VerifyStore(**disk, PrintLine);
  if (!sound) return Failed(sound.error().message);
  return *sound ? kExitOk : kExitFailed;
}

int DumpStoreFolder(const std::string& directory, const std::string& trace) {
  std::optional<store::TraceId> id;
  if (!trace.empty()) {
    const auto read = query::ReadTraceId(trace);
    if (!read) return Failed("--trace: " + read.error().message);
    id = *read;
  }
  auto disk = queue::OpenFolderForReading(directory);
  if (!disk) return Failed(disk.error().message);
  const auto spans = store::DumpStore(**disk, id, PrintLine);
  if (!spans) return Failed(spans.error().message);
  fmt::print(stderr, "{} spans\n", *spans);
  return kExitOk;
}

int BackUpStoreFolder(const std::string& directory, const std::string& to) {
  auto from = queue::OpenFolderForReading(directory);
  if (!from) return Failed(from.error().message);
  auto copy = queue::OpenFolder(to);
  if (!copy) return Failed(copy.error().message);
  const auto files = store::BackUpStore(**from, **copy);
  if (!files) return Failed(to + ": " + files.error().message);
  fmt::print("{} files copied to {}\n", *files, to);
  return kExitOk;
}

int DeleteTraceFromFolder(const std::string& directory, const std::string& trace) {
  const auto id = query::ReadTraceId(trace);
  if (!id) return Failed("--trace: " + id.error().message);
  // For reading first: a folder that is not there is not made.
  if (auto there = queue::OpenFolderForReading(directory); !there) {
    return Failed(there.error().message);
  }
  auto disk = queue::OpenFolder(directory);
  if (!disk) return Failed(disk.error().message);
  const auto spans = store::DeleteTrace(**disk, *id);
  if (!spans) return Failed(spans.error().message);
  fmt::print("{} spans deleted\n", *spans);
  return kExitOk;
}

}  // namespace wirespan::gateway
