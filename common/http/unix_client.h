#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/http/server.h"

// A blocking HTTP/1.1 client for our own Unix sockets (the agent's control socket).
namespace wirespan::http {

struct UnixRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers{};
  std::string body{};
};

// One request, one response of at most 64 MiB. Errors: kNotFound / kUnavailable (nobody listens
// there), kPermissionDenied, kDeadlineExceeded.
Result<Response> Ask(const std::string& unix_path, const UnixRequest& request,
                     std::chrono::milliseconds timeout);

// Calls `on_line` for each line of the response's body as it comes, without its '\n'; a last line
// without one counts. Ends with success when the body ends, when on_line returns false, or when
// `stop_fd` (-1: none) becomes readable. Another status than 2xx is an Error with the first line of
// the body; a line over 4 MiB is kResourceExhausted; a connection that breaks is kUnavailable.
Result<> StreamLines(const std::string& unix_path, const UnixRequest& request,
                     const std::function<bool(std::string_view line)>& on_line, int stop_fd = -1);

}  // namespace wirespan::http
