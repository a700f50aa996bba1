#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/app/watch_line.h"
#include "common/base/glob.h"
#include "common/base/result.h"

namespace wirespan::app {

// What `watch` lets through. Empty fields let everything through; all given ones must agree.
struct WatchFilter {
  std::vector<std::uint16_t> ports{};  // of the server
  std::string process{};               // glob on the executable's or the service's name, or a pid
  std::string path{};                  // glob on the path with its query
  // HTTP's: "404", "5xx", "400-499"; gRPC's: "NOT_FOUND", "5", "1-16"; "error": >= 500 or no
  // response, and calls whose span is an error.
  std::string status{};
  double slower_than_ms = 0;
  std::string side{};  // "server", "client" or empty
};

class WatchMatcher {
 public:
  // kInvalidArgument: the sentence says which option is wrong and what it takes.
  static Result<WatchMatcher> Compile(const WatchFilter& filter);
  bool Matches(const WatchLine& line) const;

 private:
  // Numbers below 100 are gRPC's.
  struct StatusRange {
    int low = 0;
    int high = 599;
    bool rpc = false;
    bool error = false;  // any error, of either
  };
  static std::optional<StatusRange> ParseStatus(std::string_view text);
  bool StatusMatches(const WatchLine& line) const;

  WatchFilter filter_{};
  std::optional<Glob> process_{};
  std::optional<Glob> path_{};
  std::optional<StatusRange> status_{};
};

}  // namespace wirespan::app
