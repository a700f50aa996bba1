#include "gateway/ingest/zipkin_receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/http/server.h"
#include "common/otlp/zipkin.h"
#include "gateway/ingest/answer.h"
#include "gateway/ingest/cors.h"
#include "gateway/ingest/decode.h"
#include "gateway/ingest/http_settings.h"

namespace wirespan::gateway {

namespace {

http::Response TextOf(int status, const Outcome& outcome) {
  http::Response response{.status = status,
                          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                          .body = outcome.message + "\n"};
  if (outcome.retryable) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(RetryDelayOf(outcome)).count();
    response.headers.emplace_back("Retry-After",
                                  std::to_string(std::max<std::int64_t>(1, seconds)));
  }
  return response;
}

class ZipkinReceiver : public Receiver {
 public:
  ZipkinReceiver(HttpServerOptions options, std::unique_ptr<Door> door)
      : options_(std::move(options)), cors_(options_.cors), door_(std::move(door)) {}
  ~ZipkinReceiver() override { Stop(std::chrono::steady_clock::now()); }

  Result<> Listen() {
    auto made = ServerOptionsOf(options_);
    if (!made) return tl::unexpected(made.error());
    http::ServerOptions& server = *made;
    made->admit = [this](std::size_t bytes) { return door_->AdmitBody(bytes); };
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
  http::Response Turn(int status, const Outcome& outcome) {
    door_->CountTurnedAway(outcome);
    return TextOf(status, outcome);
  }

  void Handle(http::Request request, std::unique_ptr<http::Responder> responder) {
    if (auto answer = cors_.Preflight(request)) return responder->Send(std::move(*answer));
    responder = cors_.Tell(request.headers, std::move(responder));
    const auto refuse = [&](int status, std::string why) {
      responder->Send(Turn(status, Outcome::Reject(StatusCode::kInvalidArgument, std::move(why))));
    };
    AuthAttributes who;
    if (const Outcome let_in = Authenticate(options_, request.headers, &who); !let_in.ok()) {
      http::Response response = Turn(401, let_in);
      response.headers.emplace_back("WWW-Authenticate", options_.auth->challenge());
      return responder->Send(std::move(response));
    }
    std::string_view path = request.path;
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    if (path != "/api/v2/spans") return refuse(404, "no such path; spans are at /api/v2/spans");
    if (request.method != "POST") {
      http::Response response =
          Turn(405, Outcome::Reject(StatusCode::kUnimplemented, "the method must be POST"));
      response.headers.emplace_back("Allow", "POST");
      return responder->Send(std::move(response));
    }
    const std::string_view type =
        http::FindHeader(request.headers, "Content-Type").value_or("application/json");
    if (!type.starts_with("application/json")) {
      return refuse(415, "Content-Type must be application/json");
    }
    const auto coding = otlp::ParseEncoding(
        http::FindHeader(request.headers, "Content-Encoding").value_or(std::string_view{}));
    if (!coding) return refuse(415, "Content-Encoding must be gzip, zstd, deflate or none");
    std::shared_ptr<const Metadata> metadata;
    if (const Outcome taken = TakeMetadata(client_metadata_, request, who, metadata); !taken.ok()) {
      return responder->Send(Turn(431, taken));
    }
    Bring(*coding, std::move(request.body), std::move(metadata), std::move(responder));
  }

  void Bring(otlp::Encoding coding, std::string body, std::shared_ptr<const Metadata> metadata,
             std::unique_ptr<http::Responder> responder) {
    Outcome outcome;
    std::shared_ptr<Lease> lease = door_->Admit(body.size() + (metadata ? metadata->size() : 0));
    if (!lease) outcome = Door::Overloaded();
    if (outcome.ok() && coding != otlp::Encoding::kIdentity) {
      std::string plain;
      outcome = Decompress(coding, body, options_.max_request_body_bytes, plain);
      body = std::move(plain);
      if (outcome.ok() && !door_->AdmitMore(*lease, body.size())) outcome = Door::Overloaded();
    }
    Bytes bytes;
    if (outcome.ok()) {
      auto request = otlp::RequestFromZipkin(body);
      if (request) {
        bytes = Bytes(std::move(*request));
      } else {
        outcome = Outcome::Reject(StatusCode::kInvalidArgument, "JSON: " + request.error().message);
      }
    }
    if (!outcome.ok()) {
      responder->Send(Turn(HttpStatusOf(outcome), outcome));
      return;
    }
    auto shared = std::shared_ptr<http::Responder>(std::move(responder));
    shared->WhenGone([weak = std::weak_ptr<Lease>(lease)] {
      if (auto held = weak.lock()) held->Withdraw();
    });
    door_->Enter(
        Signal::kTraces, std::move(bytes), std::move(lease),
        [shared](Outcome result) {
          shared->Send(result.ok() ? http::Response{.status = 202}
                                   : TextOf(HttpStatusOf(result), result));
        },
        std::move(metadata));
  }

  const HttpServerOptions options_;
  const ClientMetadata client_metadata_{options_.metadata_keys, options_.include_metadata};
  const Cors cors_;
  const std::unique_ptr<Door> door_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Receiver>> StartZipkinReceiver(const HttpServerOptions& options,
                                                      std::unique_ptr<Door> door) {
  auto receiver = std::make_unique<ZipkinReceiver>(options, std::move(door));
  if (auto listening = receiver->Listen(); !listening) return tl::unexpected(listening.error());
  return receiver;
}

}  // namespace wirespan::gateway
