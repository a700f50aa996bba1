#include "gateway/sink/http_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/clock.h"
#include "common/base/redact_url.h"
#include "common/http/client.h"
#include "common/otlp/response.h"
#include "common/otlp/status.h"
#include "common/retry/retry_after.h"
#include "gateway/sink/answer.h"
#include "gateway/sink/encode.h"
#include "gateway/sink/proxy_choice.h"
#include "gateway/sink/request_headers.h"
#include "gateway/sink/zipkin_model.h"

namespace wirespan::gateway {

namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kJson = "application/json";
constexpr std::chrono::seconds kMaxRetryAfter{24 * 3600};

Outcome OutcomeOf(const Result<http::Response>& result, const std::string& url) {
  if (!result) {
    const ErrorCode code = result.error().code;
    if (code == ErrorCode::kInvalidArgument || code == ErrorCode::kResourceExhausted) {
      return Outcome::Reject(StatusCode::kInternal,
                             fmt::format("{}: {}", url, result.error().message));
    }
    return Outcome::Retry(fmt::format("{}: {}", url, result.error().message));
  }
  const http::Response& response = *result;
  const std::string_view type =
      http::FindHeader(response.headers, "Content-Type").value_or(std::string_view{});
  const bool protobuf = type.starts_with(kProtobuf);
  Outcome outcome;
  if (response.status >= 200 && response.status < 300) {
    otlp::PartialSuccess partial;
    if (protobuf) {
      otlp::DecodeResponse(response.body, partial);
    } else if (type.starts_with(kJson)) {
      otlp::DecodeResponseJson(response.body, partial);
    }
    SetPartialSuccess(partial, outcome);
    return outcome;
  }
  outcome.code = static_cast<StatusCode>(otlp::GrpcFromHttp(response.status));
  outcome.retryable = otlp::HttpRetryable(response.status);
  outcome.message = fmt::format("{}: HTTP status {}", url, response.status);
  if (protobuf) {
    otlp::RpcStatus details;
    otlp::DecodeStatus(response.body, details);
    if (!details.message.empty()) outcome.message += ": " + details.message;
    outcome.retry_after = BoundedDelay(details.retry_delay);
  }
  if (const auto header = http::FindHeader(response.headers, "Retry-After")) {
    if (auto delay = retry::ParseRetryAfter(*header, SystemClock().realtime_ns()))
      outcome.retry_after = *delay;
  }
  return outcome;
}

std::string UrlOf(const HttpClientOptions& options, Signal signal) {
  const std::string* own[] = {&options.traces_endpoint, &options.metrics_endpoint,
                              &options.logs_endpoint, &options.profiles_endpoint};
  const std::string& whole = *own[IndexOf(signal)];
  if (!whole.empty()) return whole;
  std::string base = options.endpoint;
  if (base.ends_with('/')) base.pop_back();
  return base + std::string(otlp::HttpPath(signal));
}

class HttpSender : public Sender {
 public:
  // `translate`: to the JSON of a backend with a model of its own; null: OTLP.
  using Translate = std::string (*)(std::string_view request);
  HttpSender(HttpClientOptions options, std::unique_ptr<http::Client> client, Translate translate)
      : options_(std::move(options)), translate_(translate), client_(std::move(client)) {}

  otlp::Encoding wire_encoding() const override {
    return options_.encoding == Encoding::kProto ? options_.compression : Compression::kIdentity;
  }

  void Send(Outgoing outgoing, std::function<void(Outcome)> done) override {
    HeaderList headers;
    if (Outcome outcome = HeadersFor(options_, outgoing.metadata.get(), headers); !outcome.ok()) {
      return done(std::move(outcome));
    }
    for (const auto& [name, value] : headers) {
      if (FitsInHttp(value)) continue;
      return done(Outcome::Reject(StatusCode::kInvalidArgument,
                                  fmt::format("HTTP can't carry the value of header {}", name)));
    }
    const Signal signal = outgoing.signal;
    Bytes& bytes = outgoing.bytes;
    http::ClientRequest request;
    request.url = UrlOf(options_, signal);
    // 0 means "no limit" in the Collector; a day is as good and keeps the arithmetic simple.
    request.timeout =
        options_.timeout.count() > 0 ? options_.timeout : std::chrono::milliseconds(kMaxRetryAfter);
    const bool json = options_.encoding == Encoding::kJson;
    if (translate_ != nullptr) {
      std::string storage;
      bytes = Bytes(translate_(bytes.Contiguous(storage)));
    } else if (json) {
      auto text = ToJson(signal, bytes);
      if (!text) {
        done(Outcome::Reject(StatusCode::kInternal, text.error().message));
        return;
      }
      bytes = Bytes(std::move(*text));
    }
    if (options_.compression == Compression::kIdentity) {
      request.body = bytes.ToString();
    } else {
      const Bytes::Piece* received = bytes.ReceivedIn(options_.compression);
      request.body = received != nullptr ? std::string(received->view)
                                         : CompressBytes(options_.compression, bytes);
      request.headers.emplace_back("Content-Encoding",
                                   std::string(otlp::EncodingName(options_.compression)));
    }
    request.headers.emplace_back("Content-Type", std::string(json ? kJson : kProtobuf));
    request.headers.emplace_back("User-Agent", "wirespan-gateway");
    for (auto& header : headers) request.headers.push_back(std::move(header));
    client_->Send(std::move(request),
                  [url = RedactUrl(UrlOf(options_, signal)), done = std::move(done)](
                      Result<http::Response> result) { done(OutcomeOf(result, url)); });
  }

 private:
  const HttpClientOptions options_;
  const Translate translate_;
  const std::unique_ptr<http::Client> client_;
};

Result<std::unique_ptr<http::Client>> ClientOf(const HttpClientOptions& options, Signal signal,
                                               std::size_t max_connections) {
  auto proxy = ProxyForUrl(options.proxy, UrlOf(options, signal));
  if (!proxy) return tl::unexpected(proxy.error());
  http::ClientOptions client;
  client.max_connections = max_connections;
  // What waits is bounded by the queue and by memory; a bound here would only refuse for good.
  client.max_waiting = std::numeric_limits<std::size_t>::max();
  client.proxy = *proxy;
  client.proxy_always = true;  // the choice is made
  client.tls.ca_file = options.tls.ca_file;
  client.tls.certificate_file = options.tls.cert_file;
  client.tls.key_file = options.tls.key_file;
  client.tls.server_name = options.tls.server_name_override;
  client.tls.reload_interval = options.tls.reload_interval;
  client.tls.insecure_skip_verify = options.tls.insecure_skip_verify;
  if (auto checked = http::Client::Check(client); !checked)
    return tl::unexpected(std::move(checked.error()));
  return http::Client::Create(std::move(client));
}

}  // namespace

Result<std::unique_ptr<Sender>> CreateHttpSender(const HttpClientOptions& options, Signal signal,
                                                 std::size_t max_connections) {
  auto client = ClientOf(options, signal, max_connections);
  if (!client) return tl::unexpected(client.error());
  return std::make_unique<HttpSender>(options, std::move(*client), nullptr);
}

Result<std::unique_ptr<Sender>> CreateZipkinSender(const ZipkinOptions& options,
                                                   std::size_t max_connections) {
  HttpClientOptions client = options.client;
  client.traces_endpoint = client.endpoint;
  client.encoding = Encoding::kJson;
  auto connection = ClientOf(client, Signal::kTraces, max_connections);
  if (!connection) return tl::unexpected(connection.error());
  return std::make_unique<HttpSender>(std::move(client), std::move(*connection), ZipkinJson);
}

}  // namespace wirespan::gateway
