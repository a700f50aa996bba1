#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/block_format.h"
#include "gateway/sink/store/damage.h"

namespace wirespan::gateway::store {

// Requests on disk before they are a block: one file in the format of a queue's segment
// (docs/format/queue.md), whose records are requests; meta is the time of receipt. One thread.
class SpanLog {
 public:
  // An empty one whose name survives a power loss. Another suffix: one that no store opens.
  static Result<std::unique_ptr<SpanLog>> Create(queue::Disk& disk, std::uint64_t number, bool sync,
                                                 std::string_view suffix = kLogSuffix);
  // kUnsupported: one of a newer version.
  static Result<> CheckVersion(queue::Disk& disk, std::uint64_t number);
  // One of an earlier life, of a version that is known: visits what is sound, tells the book what
  // is not, cuts off a torn end (it was never acknowledged) and goes on behind it.
  using Visit = std::function<void(std::string request, std::uint64_t received_ns)>;
  struct End {
    std::uint64_t bytes = 0;  // of what is whole
    std::uint64_t next_seq = 1;
  };
  // Visits what is sound and changes nothing.
  static Result<End> Read(const queue::DiskFile& file, const Visit& visit, DamageBook& book);
  static Result<std::unique_ptr<SpanLog>> Recover(queue::Disk& disk, std::uint64_t number,
                                                  bool sync, const Visit& visit, DamageBook& book);

  // All of them, synced, or none: after an error the log is as before. kResourceExhausted: the disk
  // is full.
  Result<> Append(std::span<const std::string_view> requests, std::span<const std::uint32_t> spans,
                  std::uint64_t received_ns);
  // What Append will add for these.
  static std::uint64_t BytesFor(std::span<const std::string_view> requests);

  Result<> Sync() { return file_->Sync(); }

  std::uint64_t number() const { return number_; }
  std::uint64_t bytes() const { return end_; }

 private:
  SpanLog(std::unique_ptr<queue::DiskFile> file, std::uint64_t number, bool sync)
      : file_(std::move(file)), number_(number), sync_(sync) {}

  const std::unique_ptr<queue::DiskFile> file_;
  const std::uint64_t number_;
  const bool sync_;
  std::uint64_t end_ = 0;
  std::uint64_t next_seq_ = 1;
};

}  // namespace wirespan::gateway::store
