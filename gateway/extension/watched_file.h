#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace wirespan::gateway {

// The content of a small file that somebody renews: a token, passwords. Looked at again at most
// once a second, when it is asked for; a file that can't be read keeps its last content, with a
// line in the log. Thread-safe.
class WatchedFile {
 public:
  // The file must be there once.
  static Result<std::unique_ptr<WatchedFile>> Open(std::string path,
                                                   const Clock& clock = SystemClock());

  struct Content {
    std::string text{};         // without line ends at its end
    std::uint64_t version = 0;  // another one whenever the text may have changed
  };
  std::shared_ptr<const Content> Get() const;

 private:
  struct Identity {  // of what was read: a renamed link shows in the inode
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    std::int64_t size = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  WatchedFile(std::string path, const Clock& clock) : path_(std::move(path)), clock_(clock) {}
  Result<> Read() const;  // mutex_ held

  const std::string path_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards everything below
  mutable std::uint64_t looked_ns_ = 0;
  mutable Identity identity_{};
  mutable std::shared_ptr<const Content> content_{};
};

}  // namespace wirespan::gateway
