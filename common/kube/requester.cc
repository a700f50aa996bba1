#include "common/kube/requester.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "common/base/clock.h"
#include "common/base/strings.h"
#include "common/kube/object_stream.h"
#include "common/retry/retry_after.h"

namespace wirespan::kube {
namespace {

constexpr std::size_t kMaxTrustBytes = 1u << 20;
constexpr std::size_t kMaxServerWords = 300;
constexpr std::chrono::milliseconds kLook{1000};
constexpr std::chrono::milliseconds kReadAgain{60000};  // the client's certificate

struct Call {
  std::mutex mutex;  // guards result
  std::condition_variable_any ended;
  std::optional<Result<http::Response>> result;
  std::atomic<std::uint64_t> last_piece_ns{SystemClock().monotonic_ns()};
  std::atomic<bool> any_piece{false};
};

// What a server says goes into logs: one line, no control characters.
std::string OneLine(std::string_view text) {
  std::string line = ToUtf8(text.substr(0, 4 * kMaxServerWords));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return std::string(TruncateUtf8(line, kMaxServerWords));
}

// The message of a Status object, or nothing.
std::string MessageOf(const std::string& body) {
  Projection wanted;
  const std::size_t message = wanted.Add("message");
  std::string found;
  ObjectStream stream(wanted, "", [&](Object& status) {
    found = OneLine(status.Get(message));
    return false;
  });
  static_cast<void>(stream.Feed(body));
  return found;
}

Failure FailureOf(int status) {
  switch (status) {
    case 401:
      return Failure::kUnauthorized;
    case 403:
      return Failure::kForbidden;
    case 404:
      return Failure::kNotFound;
    case 410:
      return Failure::kGone;
    case 429:
      return Failure::kThrottled;
    default:
      return status >= 500 ? Failure::kServer : Failure::kStatus;
  }
}

Failure FailureOf(const Error& error, bool any_piece) {
  switch (error.code) {
    case ErrorCode::kUnavailable:
      return any_piece ? Failure::kCut : Failure::kConnect;
    case ErrorCode::kDeadlineExceeded:
      return Failure::kTimeout;
    case ErrorCode::kResourceExhausted:
      return Failure::kTooLarge;
    case ErrorCode::kCancelled:
      return Failure::kGarbage;
    default:
      return Failure::kConnect;
  }
}

}  // namespace

std::string_view FailureName(Failure failure) {
  static constexpr std::string_view kNames[kFailures] = {
      "none",    "connect",   "timeout",   "unauthorized", "forbidden",
      "gone",    "not_found", "throttled", "server",       "status",
      "garbage", "cut",       "too_large", "credentials",  "stopped"};
  return kNames[static_cast<std::size_t>(failure)];
}

Outcome Requester::Prepare(http::ClientRequest& request) {
  const auto broken = [](const Error& error) {
    return Outcome{.failure = Failure::kCredentials, .sentence = error.message};
  };
  if (!access_.ca_file.empty()) {
    auto trust = ReadSmallFile(access_.ca_file, kMaxTrustBytes);
    if (!trust) return broken(trust.error());
    if (*trust != trust_) client_.reset();
    trust_ = std::move(*trust);
  }
  if (!access_.token_file.empty()) {
    auto token = ReadToken(access_.token_file);
    if (!token) return broken(token.error());
    request.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  if (client_ == nullptr) {
    client_ = http::Client::Create({.max_connections = 1,
                                    .max_response_bytes = 1u << 20,
                                    .connect_timeout = std::chrono::milliseconds(10000),
                                    .tls = {.ca_file = access_.ca_file,
                                            .certificate_file = access_.certificate_file,
                                            .key_file = access_.key_file,
                                            .server_name = access_.server_name,
                                            .insecure_skip_verify = access_.insecure_skip_verify,
                                            .reload_interval = kReadAgain}});
  }
  return {};
}

Outcome Requester::Run(Get get, std::stop_token stop) {
  http::ClientRequest request{.method = "GET",
                              .url = access_.server + get.target,
                              .headers = {{"Accept", get.accept}, {"User-Agent", "wirespan"}},
                              .timeout = get.timeout};
  if (auto prepared = Prepare(request); !prepared.ok()) return prepared;
  const auto call = std::make_shared<Call>();
  request.on_piece = [call, take = std::move(get.on_piece)](std::string_view piece) {
    call->last_piece_ns = SystemClock().monotonic_ns();
    call->any_piece = true;
    return take(piece);
  };
  client_->Send(std::move(request), [call](Result<http::Response> result) {
    const std::lock_guard lock(call->mutex);
    call->result = std::move(result);
    call->ended.notify_all();
  });
  const auto quiet_ns =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(get.quiet_limit).count());
  std::unique_lock lock(call->mutex);
  while (!call->ended.wait_for(lock, stop, std::min(kLook, get.quiet_limit),
                               [&] { return call->result.has_value(); })) {
    const bool quiet = SystemClock().monotonic_ns() - call->last_piece_ns > quiet_ns;
    if (!stop.stop_requested() && !quiet) continue;
    lock.unlock();
    client_.reset();  // cancels it, and waits for a piece under way
    if (stop.stop_requested()) return {.failure = Failure::kStopped, .sentence = "stopped"};
    return {.failure = Failure::kTimeout,
            .sentence = fmt::format("nothing came from {} for {} s", access_.server,
                                    get.quiet_limit.count() / 1000)};
  }
  if (!*call->result)
    return {.failure = FailureOf(call->result->error(), call->any_piece),
            .sentence = call->result->error().message};
  return Judge(*call->result);
}

Outcome Requester::Judge(const Result<http::Response>& result) const {
  const http::Response& response = *result;
  if (response.status / 100 == 2) return {};
  Outcome outcome;
  outcome.failure = FailureOf(response.status);
  outcome.sentence = fmt::format("{} answered {}", access_.server, response.status);
  if (outcome.failure == Failure::kUnauthorized)
    outcome.sentence += !access_.certificate_file.empty() && access_.token_file.empty()
                            ? ": the client's certificate is not accepted"
                        : access_.token_file.empty()
                            ? ": no token is configured"
                            : fmt::format(": the token in {} is not accepted", access_.token_file);
  if (const std::string message = MessageOf(response.body); !message.empty())
    outcome.sentence += ": " + message;
  if (const auto after = http::FindHeader(response.headers, "Retry-After"))
    outcome.retry_after = retry::ParseRetryAfter(*after, SystemClock().realtime_ns());
  return outcome;
}

}  // namespace wirespan::kube
