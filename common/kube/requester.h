#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/http/client.h"
#include "common/kube/access.h"

namespace wirespan::kube {

enum class Failure : std::uint8_t {
  kNone,
  kConnect,
  kTimeout,
  kUnauthorized,
  kForbidden,
  kGone,
  kNotFound,
  kThrottled,
  kServer,  // 5xx
  kStatus,  // any other
  kGarbage,
  kCut,
  kTooLarge,
  kCredentials,  // files that can't be read
  kStopped,
};
inline constexpr std::size_t kFailures = static_cast<std::size_t>(Failure::kStopped) + 1;
std::string_view FailureName(Failure failure);

struct Outcome {
  Failure failure = Failure::kNone;
  std::string sentence{};  // without the resource; no token, no more than 300 bytes of the server's
  std::optional<std::chrono::milliseconds> retry_after{};
  bool ok() const { return failure == Failure::kNone; }
};

struct Get {
  std::string target{};  // "/api/v1/pods?watch=1"
  std::string accept = "application/json";
  std::chrono::milliseconds timeout{};
  std::chrono::milliseconds quiet_limit{};  // without a byte
  // On another thread, while Run waits. False: no more is wanted (kGarbage).
  std::function<bool(std::string_view piece)> on_piece{};
};

// GETs from one API server, one at a time, with the token and the trust that the files hold at that
// moment. One thread.
class Requester {
 public:
  explicit Requester(Access access) : access_(std::move(access)) {}

  // Waits for the end of the body. on_piece is called no more when it returns.
  Outcome Run(Get get, std::stop_token stop);

 private:
  Outcome Prepare(http::ClientRequest& request);
  Outcome Judge(const Result<http::Response>& result) const;

  const Access access_;
  std::string trust_{};  // what ca_file held when client_ was made
  std::unique_ptr<http::Client> client_{};
};

}  // namespace wirespan::kube
