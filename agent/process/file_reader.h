#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

// Bounded reads of small files that others write. Never follow a length the file claims, never
// block on a FIFO. kNotFound: the file, or the process behind it, is gone. kPermissionDenied: not
// ours to read.
namespace wirespan::process {

struct BoundedText {
  std::string text{};
  bool truncated = false;  // there was more than the bound
};

// `dir_fd` as for openat (AT_FDCWD for an absolute path). Regular files only.
Result<BoundedText> ReadFileAt(int dir_fd, const std::string& path, std::size_t max_bytes);

// The same in pieces, for files of which only a little is kept. `piece` returns false to stop.
// Returns whether the file was read to its end. That is where a read brings nothing, or less than
// `last_below` bytes.
Result<bool> ReadPiecesAt(int dir_fd, const std::string& path, std::size_t max_bytes,
                          const std::function<bool(std::string_view)>& piece,
                          std::size_t last_below = 0);

Result<std::string> ReadLinkAt(int dir_fd, const std::string& path);

// Calls `entry` with each name of a folder but "." and "..", at most `max_entries` of them; false
// stops. Returns whether all were shown.
Result<bool> ListFolderAt(int dir_fd, const std::string& path, std::size_t max_entries,
                          const std::function<bool(const char* name)>& entry);

}  // namespace wirespan::process
