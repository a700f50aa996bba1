#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Blocking OTLP clients for tests.
namespace wirespan::gateway::testing {

struct GrpcAnswer {
  int code = -1;
  std::string message{};
  std::string details{};  // google.rpc.Status
  std::string response{};
};

enum class GrpcCompression : std::uint8_t { kNone, kGzip, kDeflate };

GrpcAnswer GrpcExport(const std::string& target, const std::string& method,
                      std::string_view request,
                      GrpcCompression compression = GrpcCompression::kNone,
                      std::chrono::milliseconds timeout = std::chrono::seconds(30),
                      const std::vector<std::pair<std::string, std::string>>& metadata = {});

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::string Header(std::string_view name) const;  // "" if absent
};

// One request on a connection of its own. `headers` are lines without line ends ("Content-Type:
// x").
HttpAnswer HttpSend(std::uint16_t port, std::string_view method, std::string_view path,
                    const std::vector<std::string>& headers, std::string_view body);

// The same over HTTP/2, by prior knowledge.
HttpAnswer Http2Send(std::uint16_t port, std::string_view method, std::string_view path,
                     const std::vector<std::string>& headers, std::string_view body);

inline HttpAnswer HttpPost(std::uint16_t port, std::string_view path, std::string_view type,
                           std::string_view body, std::vector<std::string> headers = {}) {
  headers.push_back("Content-Type: " + std::string(type));
  return HttpSend(port, "POST", path, headers, body);
}

}  // namespace wirespan::gateway::testing
