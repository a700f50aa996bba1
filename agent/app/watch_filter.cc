#include "agent/app/watch_filter.h"

#include <algorithm>

#include "agent/protocol/grpc/text.h"
#include "common/base/strings.h"

namespace wirespan::app {

std::optional<WatchMatcher::StatusRange> WatchMatcher::ParseStatus(std::string_view text) {
  if (text == "error") return StatusRange{.error = true};
  if (text.size() == 3 && text.substr(1) == "xx" && text[0] >= '1' && text[0] <= '5') {
    const int hundred = (text[0] - '0') * 100;
    return StatusRange{hundred, hundred + 99};
  }
  if (const auto status = grpc::StatusByName(text)) {
    return StatusRange{.low = *status, .high = *status, .rpc = true};
  }
  const auto dash = text.find('-');
  const auto low = ParseUint(text.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : ParseUint(text.substr(dash + 1));
  if (!low || !high || *low > *high) return std::nullopt;
  const bool rpc = *high < grpc::kStatuses;
  if (!rpc && (*low < 100 || *high > 599)) return std::nullopt;
  return StatusRange{.low = static_cast<int>(*low), .high = static_cast<int>(*high), .rpc = rpc};
}

bool WatchMatcher::StatusMatches(const WatchLine& line) const {
  if (status_->error) {
    return line.rpc ? !line.error.empty() : line.status >= 500 || line.status == 0;
  }
  if (status_->rpc != line.rpc) return false;
  const int status = line.rpc ? line.rpc_status.value_or(-1) : line.status;
  return status >= status_->low && status <= status_->high;
}

Result<WatchMatcher> WatchMatcher::Compile(const WatchFilter& filter) {
  WatchMatcher matcher;
  matcher.filter_ = filter;
  const auto glob = [](const char* option, const std::string& text,
                       std::optional<Glob>& out) -> Result<> {
    if (text.empty()) return {};
    auto compiled = Glob::Compile(text);
    if (!compiled) return Wrap(option, std::move(compiled.error()));
    out = std::move(*compiled);
    return {};
  };
  if (auto ok = glob("--process", filter.process, matcher.process_); !ok)
    return tl::unexpected(ok.error());
  if (auto ok = glob("--path", filter.path, matcher.path_); !ok) return tl::unexpected(ok.error());
  if (!filter.status.empty()) {
    matcher.status_ = ParseStatus(filter.status);
    if (!matcher.status_) {
      return Fail(ErrorCode::kInvalidArgument,
                  "--status '" + filter.status +
                      "' is none of 404, 5xx, 400-499, error, or of gRPC's NOT_FOUND, 5, 1-16");
    }
  }
  if (!filter.side.empty() && filter.side != "server" && filter.side != "client") {
    return Fail(ErrorCode::kInvalidArgument,
                "--side '" + filter.side + "' is neither server nor client");
  }
  if (filter.slower_than_ms < 0) {
    return Fail(ErrorCode::kInvalidArgument, "--slower-than takes milliseconds, not less than 0");
  }
  return matcher;
}

bool WatchMatcher::Matches(const WatchLine& line) const {
  if (!filter_.ports.empty() && std::find(filter_.ports.begin(), filter_.ports.end(),
                                          line.server_port) == filter_.ports.end()) {
    return false;
  }
  if (process_ && filter_.process != std::to_string(line.pid) && !process_->Matches(line.process) &&
      !process_->Matches(line.service)) {
    return false;
  }
  if (path_ && !path_->Matches(line.path)) return false;
  if (status_ && !StatusMatches(line)) return false;
  if (!filter_.side.empty() && (filter_.side == "server") != line.server) return false;
  return static_cast<double>(line.duration_ns) / 1e6 >= filter_.slower_than_ms;
}

}  // namespace wirespan::app
