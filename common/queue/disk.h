#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

// The few things that a durable queue asks of a file system, so that tests can take away what was
// not synced.
namespace wirespan::queue {

class DiskFile {
 public:
  virtual ~DiskFile() = default;
  // All of the pieces at `offset`. kResourceExhausted: the disk is full; then a part may be
  // written.
  virtual Result<> Write(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
  // What is written so far survives a power loss. After a failure nothing is known of it.
  virtual Result<> Sync() = 0;
  // As many bytes as there are, at most `size`.
  virtual Result<std::size_t> Read(std::uint64_t offset, char* out, std::size_t size) const = 0;
  virtual Result<> Truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> Size() const = 0;
};

// One folder. Thread-safe; a file is used by one thread at a time, except for Read.
class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::vector<std::string>> List() const = 0;  // names of files, sorted
  virtual Result<std::unique_ptr<DiskFile>> Create(const std::string& name) = 0;  // or empties it
  virtual Result<std::unique_ptr<DiskFile>> Open(const std::string& name) = 0;    // read and write
  virtual Result<> Remove(const std::string& name) = 0;
  virtual Result<> Rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual Result<> SyncFolder() = 0;  // names created and removed so far survive a power loss
};

// A folder of the machine, created (mode 0700, files 0600) if it is missing, held by one process at
// a time: kUnavailable if another has it.
Result<std::unique_ptr<Disk>> OpenFolder(const std::string& path);
// The same for looking only: nothing is created, nobody is kept out.
Result<std::unique_ptr<Disk>> OpenFolderForReading(const std::string& path);

}  // namespace wirespan::queue
