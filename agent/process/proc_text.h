#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Pure parsers of the texts under /proc/PID. What a process may write itself (its name, arguments,
// environment) is hostile: everything is bounded, nothing is believed to be well formed.
namespace wirespan::process {

struct ProcessStat {
  std::string comm{};  // at most 15 bytes; any byte but NUL
  std::uint32_t parent_pid = 0;
  std::uint64_t start_ticks = 0;  // since boot, in units of sysconf(_SC_CLK_TCK)
  bool exiting = false;           // its first thread ends or is a zombie
};

// /proc/PID/stat. The name stands in parentheses and may itself hold any of them: the last ')' ends
// it.
std::optional<ProcessStat> ParseStat(std::string_view text);

// The effective uid of /proc/PID/status: the one that permission checks of the kernel use.
std::optional<std::uint32_t> ParseStatusUid(std::string_view text);

// Its pid in its own pid namespace (the last of NSpid); 0: not told.
std::uint32_t ParseStatusInnerPid(std::string_view text);

struct ArgumentBounds {
  std::size_t max_count = 256;
  std::size_t max_bytes_each = 4096;
};

// NUL-separated arguments; a process that overwrote them (setproctitle) gives one long one. Empty
// ones at the end are dropped, others kept: they are arguments too.
std::vector<std::string> SplitArguments(std::string_view text, const ArgumentBounds& bounds = {});

using Variables = std::vector<std::pair<std::string, std::string>>;

// Picks OTEL_* out of an environment given in pieces; nothing else is ever kept or copied whole.
class OtelVariableReader {
 public:
  static constexpr std::size_t kMaxVariables = 128;
  static constexpr std::size_t kMaxValueBytes = 4096;
  static constexpr std::size_t kMaxTotalBytes = 16384;

  // False: no more is wanted.
  bool Feed(std::string_view piece);
  // The last variable needs no NUL. Call once.
  Variables Finish();

 private:
  void EndVariable();

  std::string current_{};
  std::size_t kept_bytes_ = 0;
  bool skipping_ = false;  // the variable under way is not ours
  Variables found_{};
};

// "key=value,key=value" with percent-encoding, as OTEL_RESOURCE_ATTRIBUTES has it. Members that are
// no pair are left out; at most 64 members, keys and values of at most 256 bytes.
Variables ParseResourceAttributes(std::string_view text);

// First value of a name; empty if absent.
std::string_view FindVariable(const Variables& variables, std::string_view name);

}  // namespace wirespan::process
