#include "gateway/ingest/grpc_service.h"

#include <fmt/format.h>

#include <utility>

#include "common/otlp/response.h"
#include "gateway/ingest/answer.h"
#include "gateway/ingest/decode.h"
#include "gateway/ingest/grpc_wire.h"
#include "gateway/ingest/http_settings.h"

namespace wirespan::gateway {

namespace {

http::Response AnswerOf(const Outcome& outcome) {
  if (!outcome.ok()) return GrpcFailure(outcome);
  return GrpcResponse(otlp::EncodeResponse(PartialSuccessOf(outcome)));
}

Outcome TooLate() {
  return Outcome::Reject(StatusCode::kDeadlineExceeded, "the call's deadline has passed");
}

}  // namespace

std::size_t GrpcService::body_limit() const {
  return options_.max_recv_msg_size_bytes + kGrpcPrefix;
}

http::Response GrpcService::Turn(const Outcome& outcome) {
  door_->CountTurnedAway(outcome);
  return GrpcFailure(outcome);
}

http::Response GrpcService::Refusal(int http_status) {
  switch (http_status) {
    case 413:
      return Turn(Outcome::Reject(
          StatusCode::kResourceExhausted,
          fmt::format("the message is larger than {} bytes", options_.max_recv_msg_size_bytes)));
    case 431:
      return Turn(Outcome::Reject(StatusCode::kResourceExhausted, "too much metadata"));
    case 503:
      return Turn(Door::Overloaded());
    case 408:
      return Turn(Outcome::Reject(StatusCode::kCancelled, "the message came too slowly"));
    default:
      return Turn(Outcome::Reject(StatusCode::kInternal, "the call is not valid HTTP/2"));
  }
}

void GrpcService::Handle(http::Request request, std::unique_ptr<http::Responder> responder) {
  if (!request.http2 || request.method != "POST") {
    // Nothing that gRPC's clients send: an answer in HTTP's words.
    responder->Send({.status = request.http2 ? 405 : 505,
                     .headers = {{"Content-Type", "text/plain"}},
                     .body = "gRPC is HTTP/2 and POST\n"});
    return;
  }
  AuthAttributes who;
  if (options_.auth != nullptr) {
    const Outcome let_in = options_.auth->Authenticate(
        [&](std::string_view name) { return http::FindHeader(request.headers, name); }, &who);
    if (!let_in.ok()) return responder->Send(Turn(let_in));
  }
  const std::optional<Signal> signal = SignalByGrpcMethod(request.path);
  if (!signal || !door_->Takes(*signal)) {
    return responder->Send(Turn(Outcome::Reject(
        StatusCode::kUnimplemented,
        signal ? fmt::format("no pipeline takes {} from this receiver", otlp::SignalName(*signal))
               : fmt::format("unknown method {}", request.path))));
  }
  std::shared_ptr<const Metadata> metadata;
  if (const Outcome taken = TakeMetadata(client_metadata_, request, who, metadata); !taken.ok()) {
    return responder->Send(Turn(taken));
  }
  Export(*signal, std::move(request), std::move(metadata), std::move(responder));
}

void GrpcService::Export(Signal signal, http::Request request,
                         std::shared_ptr<const Metadata> metadata,
                         std::unique_ptr<http::Responder> responder) {
  const auto now = std::chrono::steady_clock::now();
  const auto timeout =
      ReadGrpcTimeout(http::FindHeader(request.headers, "grpc-timeout").value_or(""));
  const GrpcMessage message =
      ReadGrpcMessage(request.body, http::FindHeader(request.headers, "grpc-encoding").value_or(""),
                      options_.max_recv_msg_size_bytes);
  Outcome outcome = message.outcome;
  std::shared_ptr<Lease> lease;
  Bytes bytes;
  if (outcome.ok()) {
    lease = door_->Admit(request.body.size() + (metadata ? metadata->size() : 0));
    if (!lease) outcome = Door::Overloaded();
  }
  std::string inflated;
  if (outcome.ok() && message.coding != otlp::Encoding::kIdentity) {
    outcome = Decompress(message.coding, message.bytes, options_.max_recv_msg_size_bytes, inflated);
    if (outcome.ok() && !door_->AdmitMore(*lease, inflated.size())) outcome = Door::Overloaded();
  }
  if (!outcome.ok()) return responder->Send(Turn(outcome));

  auto body = std::make_shared<const std::string>(std::move(request.body));
  const std::string_view received = std::string_view(*body).substr(kGrpcPrefix);
  if (message.coding == otlp::Encoding::kIdentity) {
    bytes = Bytes(std::move(body), received);
  } else {
    bytes = Bytes(std::move(inflated));
    bytes.SetReceived(message.coding, std::move(body), received);
  }
  auto shared = std::shared_ptr<http::Responder>(std::move(responder));
  shared->WhenGone([weak = std::weak_ptr<Lease>(lease)] {
    if (auto held = weak.lock()) held->Withdraw();
  });
  if (timeout) shared->AnswerBy(now + *timeout, GrpcFailure(TooLate()));
  door_->Enter(
      signal, std::move(bytes), std::move(lease),
      [shared](Outcome result) { shared->Send(AnswerOf(result)); }, std::move(metadata));
}

}  // namespace wirespan::gateway
