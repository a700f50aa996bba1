#include "agent/app/watch_filter.h"

#include <algorithm>

#include "common/base/strings.h"

namespace wirespan::app {

std::optional<WatchMatcher::StatusRange> WatchMatcher::ParseStatus(std::string_view text) {
  if (text == "error") return StatusRange{500, 599, true};
  if (text.size() == 3 && text.substr(1) == "xx" && text[0] >= '1' && text[0] <= '5') {
    const int hundred = (text[0] - '0') * 100;
    return StatusRange{hundred, hundred + 99, false};
  }
  const auto dash = text.find('-');
  const auto low = ParseUint(text.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : ParseUint(text.substr(dash + 1));
  if (!low || !high || *low > *high || *high > 599) return std::nullopt;
  return StatusRange{static_cast<int>(*low), static_cast<int>(*high), false};
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
                  "--status '" + filter.status + "' is none of 404, 5xx, 400-499, error");
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
  if (status_ && !(line.status >= status_->low && line.status <= status_->high) &&
      !(status_->none && line.status == 0)) {
    return false;
  }
  if (!filter_.side.empty() && (filter_.side == "server") != line.server) return false;
  return static_cast<double>(line.duration_ns) / 1e6 >= filter_.slower_than_ms;
}

}  // namespace wirespan::app
