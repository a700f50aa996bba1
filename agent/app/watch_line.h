#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/span/span.h"

namespace wirespan::app {

// One exchange as `watch` shows it: what the control socket carries, one JSON object a line.
struct WatchLine {
  std::uint64_t start_ns = 0;  // since 1970 UTC
  std::uint64_t duration_ns = 0;
  bool server = true;
  std::uint32_t pid = 0;
  std::string service{};
  std::string process{};  // executable's name
  std::string method{};   // "gRPC" for its calls
  std::string path{};     // with the (redacted) query
  std::string host{};     // server.address:server.port
  std::string peer{};     // network.peer.address:port
  std::uint16_t server_port = 0;
  std::uint16_t peer_port = 0;
  int status = 0;  // of HTTP; 0: no response
  bool rpc = false;
  std::string rpc_method{};
  std::optional<int> rpc_status{};  // gRPC's number; nothing: not known
  std::optional<std::int64_t> request_messages{};
  std::optional<std::int64_t> response_messages{};
  std::string error{};
  std::optional<std::int64_t> request_bytes{};
  std::optional<std::int64_t> response_bytes{};
  std::string trace_id{};
  std::string span_id{};
  std::string parent_span_id{};
  std::string parent_method{};
  std::string incomplete{};
  std::string inferred{};
};

WatchLine ToWatchLine(const span::Span& span);
std::string ToJson(const WatchLine& line);  // without a newline
// nullopt: not such a line.
std::optional<WatchLine> FromJson(std::string_view text);

}  // namespace wirespan::app
