#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/queue/disk.h"

namespace wirespan::queue::testing {

// A folder in memory that knows what was synced, so that a test can take the power away; and that
// can be full. The content outlives the Disk objects made of it.
class UnsyncedFolder : public std::enable_shared_from_this<UnsyncedFolder> {
 public:
  struct File {
    std::string content{};
    std::string synced{};
    bool name_synced = false;
  };

  // What was not synced is gone; of what was written after it `torn` bytes are left, if there are.
  void LosePower(std::size_t torn = 0) {
    std::lock_guard lock(mutex);
    for (auto file = files.begin(); file != files.end();) {
      if (!file->second->name_synced) {
        file = files.erase(file);
        continue;
      }
      File& kept = *file->second;
      const std::size_t left = std::min(kept.content.size(), kept.synced.size() + torn);
      kept.content.resize(std::max(left, kept.synced.size()));
      std::copy(kept.synced.begin(), kept.synced.end(), kept.content.begin());
      kept.synced = kept.content;
      ++file;
    }
  }

  std::size_t bytes() {
    std::lock_guard lock(mutex);
    std::size_t sum = 0;
    for (const auto& [name, file] : files) sum += file->content.size();
    return sum;
  }

  std::unique_ptr<Disk> Mount();

  std::mutex mutex;  // guards all
  std::map<std::string, std::shared_ptr<File>> files{};
  std::size_t capacity = ~std::size_t{0};
  bool sync_fails = false;
};

class UnsyncedFile : public DiskFile {
 public:
  UnsyncedFile(std::shared_ptr<UnsyncedFolder> folder, std::shared_ptr<UnsyncedFolder::File> file)
      : folder_(std::move(folder)), file_(std::move(file)) {}
  Result<> Write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    for (const std::string_view piece : pieces) {
      const std::size_t total = folder_->bytes();
      std::lock_guard lock(folder_->mutex);
      const std::size_t room = folder_->capacity - std::min(folder_->capacity, total);
      const std::size_t now = file_->content.size();
      const std::size_t end = static_cast<std::size_t>(offset) + piece.size();
      const bool full = end > now && end - now > room;
      const std::size_t take = full ? std::min(piece.size(), room) : piece.size();
      if (offset + take > now) file_->content.resize(offset + take);
      file_->content.replace(offset, take, piece.substr(0, take));
      if (full) return Fail(ErrorCode::kResourceExhausted, "no space left on device");
      offset += take;
    }
    return {};
  }
  Result<> Sync() override {
    std::lock_guard lock(folder_->mutex);
    if (folder_->sync_fails) return Fail(ErrorCode::kUnknown, "input/output error");
    file_->synced = file_->content;
    return {};
  }
  Result<std::size_t> Read(std::uint64_t offset, char* out, std::size_t size) const override {
    std::lock_guard lock(folder_->mutex);
    if (offset >= file_->content.size()) return std::size_t{0};
    return file_->content.copy(out, size, offset);
  }
  Result<> Truncate(std::uint64_t size) override {
    std::lock_guard lock(folder_->mutex);
    file_->content.resize(size);
    return {};
  }
  Result<std::uint64_t> Size() const override {
    std::lock_guard lock(folder_->mutex);
    return std::uint64_t{file_->content.size()};
  }

 private:
  const std::shared_ptr<UnsyncedFolder> folder_;
  const std::shared_ptr<UnsyncedFolder::File> file_;
};

class UnsyncedDisk : public Disk {
 public:
  explicit UnsyncedDisk(std::shared_ptr<UnsyncedFolder> folder) : folder_(std::move(folder)) {}
  Result<std::vector<std::string>> List() const override {
    std::lock_guard lock(folder_->mutex);
    std::vector<std::string> names;
    for (const auto& [name, file] : folder_->files) names.push_back(name);
    return names;
  }
  Result<std::unique_ptr<DiskFile>> Create(const std::string& name) override {
    std::lock_guard lock(folder_->mutex);
    auto& file = folder_->files[name];
    file = std::make_shared<UnsyncedFolder::File>();
    return std::make_unique<UnsyncedFile>(folder_, file);
  }
  Result<std::unique_ptr<DiskFile>> Open(const std::string& name) override {
    std::lock_guard lock(folder_->mutex);
    const auto found = folder_->files.find(name);
    if (found == folder_->files.end()) return Fail(ErrorCode::kNotFound, name + ": no such file");
    return std::make_unique<UnsyncedFile>(folder_, found->second);
  }
  Result<> Remove(const std::string& name) override {
    std::lock_guard lock(folder_->mutex);
    folder_->files.erase(name);
    return {};
  }
  Result<> Rename(const std::string& from, const std::string& to) override {
    std::lock_guard lock(folder_->mutex);
    const auto found = folder_->files.find(from);
    if (found == folder_->files.end()) return Fail(ErrorCode::kNotFound, from + ": no such file");
    folder_->files[to] = found->second;
    folder_->files.erase(found);
    return {};
  }
  Result<> SyncFolder() override {
    std::lock_guard lock(folder_->mutex);
    for (auto& [name, file] : folder_->files) file->name_synced = true;
    return {};
  }

 private:
  const std::shared_ptr<UnsyncedFolder> folder_;
};

inline std::unique_ptr<Disk> UnsyncedFolder::Mount() {
  return std::make_unique<UnsyncedDisk>(shared_from_this());
}

}  // namespace wirespan::queue::testing
