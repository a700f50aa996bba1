#include "gateway/ingest/http_receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "common/http/server.h"
#include "common/otlp/response.h"
#include "gateway/ingest/answer.h"
#include "gateway/ingest/cors.h"
#include "gateway/ingest/decode.h"
#include "gateway/ingest/grpc_service.h"
#include "gateway/ingest/grpc_wire.h"
#include "gateway/ingest/http_settings.h"

namespace wirespan::gateway {

namespace {

enum class Format : std::uint8_t { kProtobuf, kJson };

std::string_view ContentTypeOf(Format format) {
  return format == Format::kProtobuf ? "application/x-protobuf" : "application/json";
}

// "Application/JSON; charset=utf-8" is application/json.
std::optional<Format> FormatOf(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Format format : {Format::kProtobuf, Format::kJson}) {
    if (type == ContentTypeOf(format)) return format;
  }
  return std::nullopt;
}

http::Response FailureOf(const Outcome& outcome, int status, Format format) {
  const otlp::RpcStatus details = RpcStatusOf(outcome);
  http::Response response{.status = status};
  response.headers.emplace_back("Content-Type", ContentTypeOf(format));
  response.body =
      format == Format::kJson ? otlp::StatusToJson(details) : otlp::EncodeStatus(details);
  if (outcome.retryable) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(RetryDelayOf(outcome)).count();
    response.headers.emplace_back("Retry-After",
                                  std::to_string(std::max<std::int64_t>(1, seconds)));
  }
  return response;
}

http::Response AnswerOf(const Outcome& outcome, Signal signal, Format format) {
  if (!outcome.ok()) return FailureOf(outcome, HttpStatusOf(outcome), format);
  const otlp::PartialSuccess partial = PartialSuccessOf(outcome);
  http::Response response;
  response.headers.emplace_back("Content-Type", ContentTypeOf(format));
  response.body = format == Format::kJson ? otlp::ResponseToJson(partial, signal)
                                          : otlp::EncodeResponse(partial);
  return response;
}

class HttpReceiver : public Receiver {
 public:
  HttpReceiver(HttpServerOptions options, std::unique_ptr<Door> door,
               std::unique_ptr<GrpcService> grpc)
      : options_(std::move(options)),
        cors_(options_.cors),
        door_(std::move(door)),
        grpc_(std::move(grpc)) {}
  ~HttpReceiver() override { Stop(std::chrono::steady_clock::now()); }

  Result<> Listen() {
    auto made = ServerOptionsOf(options_);
    if (!made) return tl::unexpected(made.error());
    http::ServerOptions& server = *made;
    server.admit = [this](std::size_t bytes) { return door_->AdmitBody(bytes); };
    // The server refuses what it can't receive; the body is ours all the same.
    server.refusal = [this](int status, std::string_view content_type) {
      if (grpc_ && IsGrpc(content_type)) return grpc_->Refusal(status);
      Outcome outcome =
          Outcome::Reject(StatusCode::kInvalidArgument, "the request is not valid HTTP");
      if (status == 413) {
        outcome = Outcome::Reject(
            StatusCode::kResourceExhausted,
            fmt::format("the request is larger than {} bytes", options_.max_request_body_bytes));
      } else if (status == 503) {
        outcome = Outcome::Retry("too much is being received");
      }
      return Turn(outcome, status, FormatOf(content_type).value_or(Format::kJson));
    };
    server.body_limit = [this](std::string_view content_type) {
      return grpc_ && IsGrpc(content_type) ? grpc_->body_limit() : options_.max_request_body_bytes;
    };
    server.admit_body = [this] { return door_->AdmitReading(); };
    auto started = http::Server::Start(
        std::move(server),
        [this](http::Request request, std::unique_ptr<http::Responder> responder) {
          Handle(std::move(request), std::move(responder));
        });
    if (!started) return tl::unexpected(started.error());
    server_ = std::move(*started);
    return {};
  }

  void StopAccepting() override {
    if (server_) server_->StopAccepting();
  }

  void Stop(std::chrono::steady_clock::time_point deadline) override {
    if (!server_) return;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    server_->Stop(std::max(left, std::chrono::milliseconds(0)));
  }
  std::uint16_t port() const override { return server_ ? server_->port() : 0; }

 private:
  std::optional<Signal> SignalOf(std::string_view path) const {
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    if (path == options_.traces_path) return Signal::kTraces;
    if (path == options_.metrics_path) return Signal::kMetrics;
    if (path == options_.logs_path) return Signal::kLogs;
    if (path == options_.profiles_path) return Signal::kProfiles;
    return std::nullopt;
  }

  http::Response Turn(const Outcome& outcome, int status, Format format) {
    door_->CountTurnedAway(outcome);
    return FailureOf(outcome, status, format);
  }

  void Handle(http::Request request, std::unique_ptr<http::Responder> responder) {
    if (auto answer = cors_.Preflight(request)) return responder->Send(std::move(*answer));
    const std::string_view type =
        http::FindHeader(request.headers, "Content-Type").value_or(std::string_view{});
    if (request.http2) door_->HasRead(request.body.size());
    if (grpc_ && IsGrpc(type)) return grpc_->Handle(std::move(request), std::move(responder));
    responder = cors_.Tell(request.headers, std::move(responder));
    const std::optional<Format> known = FormatOf(type);
    const Format format = known.value_or(Format::kJson);
    AuthAttributes who;
    if (const Outcome let_in = Authenticate(options_, request.headers, &who); !let_in.ok()) {
      http::Response response = Turn(let_in, HttpStatusOf(let_in), format);
      response.headers.emplace_back("WWW-Authenticate", options_.auth->challenge());
      responder->Send(std::move(response));
      return;
    }
    const std::optional<Signal> signal = SignalOf(request.path);
    if (!signal || !door_->Takes(*signal)) {
      const std::string why =
          signal ? fmt::format("no pipeline takes {} from this receiver", otlp::SignalName(*signal))
                 : "no such path; OTLP is at /v1/traces, /v1/metrics, /v1/logs";
      responder->Send(Turn(Outcome::Reject(StatusCode::kUnimplemented, why), 404, format));
      return;
    }
    if (request.method != "POST") {
      http::Response response =
          Turn(Outcome::Reject(StatusCode::kUnimplemented, "the method must be POST"), 405, format);
      response.headers.emplace_back("Allow", "POST");
      responder->Send(std::move(response));
      return;
    }
    if (!known) {
      responder->Send(Turn(Outcome::Reject(StatusCode::kInvalidArgument,
                                           "Content-Type must be application/x-protobuf or "
                                           "application/json"),
                           415, format));
      return;
    }
    if (*known == Format::kJson && *signal == Signal::kProfiles) {
      // Its names change from version to version; protobuf's numbers are passed on untouched.
      responder->Send(Turn(Outcome::Reject(StatusCode::kInvalidArgument,
                                           "profiles are taken as application/x-protobuf alone"),
                           415, format));
      return;
    }
    const std::optional<otlp::Encoding> coding = otlp::ParseEncoding(
        http::FindHeader(request.headers, "Content-Encoding").value_or(std::string_view{}));
    if (!coding) {
      responder->Send(Turn(Outcome::Reject(StatusCode::kInvalidArgument,
                                           "Content-Encoding must be gzip, zstd, deflate or none"),
                           415, format));
      return;
    }
    std::shared_ptr<const Metadata> metadata;
    if (const Outcome taken = TakeMetadata(client_metadata_, request, who, metadata); !taken.ok()) {
      responder->Send(Turn(taken, 431, format));
      return;
    }
    Export(*signal, format, *coding, std::move(request.body), std::move(metadata),
           std::move(responder));
  }

  void Export(Signal signal, Format format, otlp::Encoding coding, std::string body,
              std::shared_ptr<const Metadata> metadata,
              std::unique_ptr<http::Responder> responder) {
    Outcome outcome;
    std::shared_ptr<Lease> lease = door_->Admit(body.size() + (metadata ? metadata->size() : 0));
    if (!lease) outcome = Door::Overloaded();
    std::shared_ptr<const std::string> compressed;
    if (outcome.ok() && coding != otlp::Encoding::kIdentity) {
      compressed = std::make_shared<const std::string>(std::move(body));
      body.clear();
      outcome = Decompress(coding, *compressed, options_.max_request_body_bytes, body);
      if (outcome.ok() && !door_->AdmitMore(*lease, body.size())) outcome = Door::Overloaded();
    }
    if (outcome.ok() && format == Format::kJson) {
      std::string protobuf;
      outcome = FromJson(signal, body, protobuf);
      body = std::move(protobuf);
      compressed.reset();  // of the JSON
    }
    if (!outcome.ok()) {
      responder->Send(Turn(outcome, HttpStatusOf(outcome), format));
      return;
    }
    Bytes bytes(std::move(body));
    if (compressed) {
      const std::string_view view = *compressed;
      bytes.SetReceived(coding, std::move(compressed), view);
    }
    auto shared = std::shared_ptr<http::Responder>(std::move(responder));
    shared->WhenGone([weak = std::weak_ptr<Lease>(lease)] {
      if (auto held = weak.lock()) held->Withdraw();
    });
    door_->Enter(
        signal, std::move(bytes), std::move(lease),
        [signal, format, shared](Outcome result) {
          shared->Send(AnswerOf(result, signal, format));
        },
        std::move(metadata));
  }

  const HttpServerOptions options_;
  const ClientMetadata client_metadata_{options_.metadata_keys, options_.include_metadata};
  const Cors cors_;
  const std::unique_ptr<Door> door_;
  const std::unique_ptr<GrpcService> grpc_;  // null: OTLP/HTTP alone
  std::unique_ptr<http::Server> server_;
};

Result<std::unique_ptr<Receiver>> Start(const HttpServerOptions& options,
                                        std::unique_ptr<Door> door,
                                        std::unique_ptr<GrpcService> grpc) {
  auto receiver = std::make_unique<HttpReceiver>(options, std::move(door), std::move(grpc));
  if (auto listening = receiver->Listen(); !listening) return tl::unexpected(listening.error());
  return receiver;
}

}  // namespace

Result<std::unique_ptr<Receiver>> StartHttpReceiver(const HttpServerOptions& options,
                                                    std::unique_ptr<Door> door) {
  return Start(options, std::move(door), nullptr);
}

Result<std::unique_ptr<Receiver>> StartSharedReceiver(const HttpServerOptions& http,
                                                      std::unique_ptr<Door> http_door,
                                                      const GrpcServerOptions& grpc,
                                                      std::unique_ptr<Door> grpc_door) {
  return Start(http, std::move(http_door),
               std::make_unique<GrpcService>(grpc, std::move(grpc_door)));
}

}  // namespace wirespan::gateway
