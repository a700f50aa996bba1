#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/process/proc_text.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace wirespan::process {

// One process's folder under /proc, held open: all reads are of the same process, even if its pid
// is given to another meanwhile (then they fail with kNotFound). Every read is bounded. Nothing is
// looked up in the process's own file system: it may be one that never answers (FUSE), and its
// links lead where it likes.
class ProcessFolder {
 public:
  // `root`: where the host's tree lies, "" for this one; "<root>/proc/<pid>" is read.
  static Result<ProcessFolder> Open(const std::string& root, std::uint32_t pid);

  Result<ProcessStat> Stat() const;
  struct Status {
    std::uint32_t uid = 0;        // effective
    std::uint32_t inner_pid = 0;  // in its own pid namespace; 0: not told
  };
  Result<Status> ReadStatus() const;
  Result<std::string> Executable() const;
  Result<std::vector<std::string>> Arguments() const;  // of at most 16 KiB
  Result<std::string> Cgroup() const;                  // the file's text
  Result<Variables> OtelEnvironment() const;  // of at most 1 MiB; only OTEL_* leaves this function

  // Paths of mapped files, each once in a row; at most 1 MiB of the file. `path` returns false to
  // stop.
  Result<> MappedFiles(const std::function<bool(std::string_view path)>& path) const;
  // Targets of open descriptors ("socket:[7]", "/srv/x.jar"), at most `max`. Returns whether all
  // were shown.
  Result<bool> OpenFiles(std::size_t max,
                         const std::function<bool(std::string_view target)>& target) const;

  // Inode number of the network namespace.
  Result<std::uint64_t> NetworkNamespace() const;
  // Lines of net/<table> ("tcp", "tcp6", "unix") as this process's namespace has them, at most
  // `max_bytes` of them. Returns whether the table was read to its end.
  Result<bool> NetTable(const char* table, std::size_t max_bytes,
                        const std::function<void(std::string_view line)>& line) const;

  // The program file, opened for reading. kUnsupported: on a file system whose server may never
  // answer (FUSE, NFS, SMB, Ceph).
  Result<UniqueFd> OpenExecutable() const;

 private:
  explicit ProcessFolder(UniqueFd folder) : folder_(std::move(folder)) {}
  UniqueFd folder_;
};

// All pids of <root>/proc, at most `max`. Returns whether these are all.
Result<bool> ListProcesses(const std::string& root, std::size_t max,
                           const std::function<void(std::uint32_t pid)>& process);

}  // namespace wirespan::process
