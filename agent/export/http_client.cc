#include <utility>

#include "agent/export/transport.h"
#include "common/base/strings.h"
#include "common/http/client.h"
#include "common/http/url.h"
#include "common/otlp/status.h"
#include "common/retry/retry_after.h"

namespace wirespan::exporting {
namespace {

using otlp::Encoding;
constexpr std::size_t kMessageBytes = 200;

Encoding EncodingOf(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return Encoding::kIdentity;
    case Compression::kGzip:
      return Encoding::kGzip;
    case Compression::kZstd:
      return Encoding::kZstd;
  }
  return Encoding::kIdentity;
}

// The body of a failure should be a google.rpc.Status; otherwise the status line has to do.
std::string FailureText(int status, const http::Response& response, std::string_view body) {
  std::string text = "HTTP status " + std::to_string(status);
  const auto type = http::FindHeader(response.headers, "content-type");
  otlp::RpcStatus parsed;
  if (type && StartsWithIgnoreCase(*type, "application/x-protobuf") &&
      otlp::DecodeStatus(body, parsed) && !parsed.message.empty()) {
    text += ": " + ToUtf8(TruncateUtf8(parsed.message, kMessageBytes));
  }
  return text;
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(const SignalOptions& options, std::size_t max_response_bytes, const Clock& clock,
                std::string name, std::unique_ptr<http::Client> client)
      : url_(options.endpoint),
        timeout_(options.timeout),
        encoding_(EncodingOf(options.compression)),
        max_response_bytes_(max_response_bytes),
        clock_(clock),
        name_(std::move(name)),
        client_(std::move(client)) {
    headers_.emplace_back("Content-Type", "application/x-protobuf");
    if (encoding_ != Encoding::kIdentity)
      headers_.emplace_back("Content-Encoding", otlp::EncodingName(encoding_));
    headers_.emplace_back("User-Agent", UserAgent());
    for (const auto& [key, value] : options.headers) {
      if (!http::FindHeader(headers_, key)) headers_.emplace_back(key, value);
    }
  }

  Encoding encoding() const override { return encoding_; }
  const std::string& name() const override { return name_; }

  void Send(std::shared_ptr<const std::string> body, std::function<void(Outcome)> done) override {
    http::ClientRequest request;
    request.url = url_;
    request.headers = headers_;
    request.shared_body = std::move(body);
    request.timeout = timeout_;
    client_->Send(std::move(request),
                  [this, done = std::move(done)](Result<http::Response> response) {
                    done(response ? Judge(*response) : Judge(response.error()));
                  });
  }

 private:
  static Outcome Judge(const Error& error) {
    switch (error.code) {
      case ErrorCode::kDeadlineExceeded:
        return {Outcome::Kind::kRetry, "timeout", error.message, {}, {}};
      case ErrorCode::kResourceExhausted:
        return {Outcome::Kind::kRefused, "response_too_large", error.message, {}, {}};
      case ErrorCode::kInvalidArgument:
        return {Outcome::Kind::kRefused, "invalid_request", error.message, {}, {}};
      case ErrorCode::kCancelled:
        return {Outcome::Kind::kRetry, "cancelled", error.message, {}, {}};
      default:
        return {Outcome::Kind::kRetry, "unreachable", error.message, {}, {}};
    }
  }

  Outcome Judge(const http::Response& response) const {
    Outcome outcome;
    outcome.code = response.status >= 100 && response.status < 600 ? std::to_string(response.status)
                                                                   : "invalid";
    std::string body;
    const auto encoding =
        otlp::ParseEncoding(http::FindHeader(response.headers, "content-encoding").value_or(""));
    // We ask for no compression; one that comes nevertheless is held to the same bound.
    const auto inflated = encoding ? otlp::Decompressor().Decompress(*encoding, response.body,
                                                                     max_response_bytes_, body)
                                   : otlp::Decompressor::Outcome::kInvalid;
    if (inflated == otlp::Decompressor::Outcome::kTooLarge) {
      outcome.code = "response_too_large";
      outcome.message =
          "the response is larger than " + std::to_string(max_response_bytes_) + " bytes";
      return outcome;
    }
    if (response.status >= 200 && response.status < 300) {
      outcome.kind = Outcome::Kind::kAccepted;
      const auto type = http::FindHeader(response.headers, "content-type");
      const bool protobuf = !type || StartsWithIgnoreCase(*type, "application/x-protobuf");
      if (inflated != otlp::Decompressor::Outcome::kOk || !protobuf ||
          !otlp::DecodeResponse(body, outcome.partial)) {
        outcome.partial = {};
        // The status is the acknowledgement. A body that cannot be read is worth a word all the
        // same.
        if (!body.empty()) outcome.message = "the response is not an OTLP response";
      }
      return outcome;
    }
    outcome.message = FailureText(response.status, response, body);
    if (!otlp::HttpRetryable(response.status)) return outcome;
    outcome.kind = Outcome::Kind::kRetry;
    if (const auto after = http::FindHeader(response.headers, "retry-after")) {
      outcome.retry_after = retry::ParseRetryAfter(*after, clock_.realtime_ns());
    }
    return outcome;
  }

  const std::string url_;
  const std::chrono::milliseconds timeout_;
  const Encoding encoding_;
  const std::size_t max_response_bytes_;
  const Clock& clock_;
  const std::string name_;
  http::Headers headers_{};
  std::unique_ptr<http::Client> client_;  // last: its destruction ends the callbacks
};

}  // namespace

Result<std::unique_ptr<Transport>> CreateHttpTransport(otlp::Signal signal,
                                                       const SignalOptions& options,
                                                       const ExporterOptions& common,
                                                       const Clock& clock) {
  (void)signal;  // the endpoint is the signal's own URL, used as it is
  const auto url = http::ParseUrl(options.endpoint);
  if (!url) return Wrap("endpoint", url.error());
  http::ClientOptions client;
  client.max_connections = static_cast<std::size_t>(common.concurrent_requests);
  client.max_response_bytes = common.max_response_bytes;
  client.tls.ca_file = options.ca_file;
  client.tls.certificate_file = options.certificate_file;
  client.tls.key_file = options.key_file;
  client.tls.reload_interval = options.reload_interval;
  client.proxy = url->tls() ? common.proxy : common.http_proxy;
  client.no_proxy = common.no_proxy;
  if (auto checked = http::Client::Check(client); !checked)
    return tl::unexpected(std::move(checked.error()));
  return std::make_unique<HttpTransport>(options, common.max_response_bytes, clock,
                                         url->scheme + "://" + url->authority() + url->path,
                                         http::Client::Create(std::move(client)));
}

}  // namespace wirespan::exporting
