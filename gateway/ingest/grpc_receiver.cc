#include "gateway/ingest/grpc_receiver.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "common/otlp/response.h"
#include "common/telemetry/log.h"
#include "gateway/ingest/answer.h"
#include "gateway/ingest/client_metadata.h"
#include "gateway/ingest/connection_feeder.h"
#include "gateway/ingest/decode.h"
#include "gateway/ingest/grpc_credentials.h"
#include "gateway/ingest/listen_sockets.h"
#include "gateway/ingest/patience.h"

namespace wirespan::gateway {

namespace {

grpc::Status StatusOf(const Outcome& outcome) {
  if (outcome.ok()) return grpc::Status::OK;
  const otlp::RpcStatus status = RpcStatusOf(outcome);
  return {static_cast<grpc::StatusCode>(status.code), status.message, otlp::EncodeStatus(status)};
}

// One call: read the message, bring it in, answer when the pipelines have. Owns itself until
// OnDone.
class ExportCall : public grpc::ServerGenericBidiReactor, public Waiting {
 public:
  ExportCall(Door& door, Patience& patience, std::optional<Signal> signal, std::size_t max_bytes,
             std::shared_ptr<const Metadata> metadata)
      : door_(door),
        patience_(patience),
        signal_(signal.value_or(Signal::kTraces)),
        max_bytes_(max_bytes),
        metadata_(std::move(metadata)) {}

  void Begin(std::shared_ptr<ExportCall> self, std::optional<Signal> signal,
             const std::string& method) {
    self_ = std::move(self);
    if (!signal || !door_.Takes(*signal)) {
      Finish({grpc::StatusCode::UNIMPLEMENTED,
              signal ? fmt::format("no pipeline takes {} from this receiver",
                                   otlp::SignalName(*signal))
                     : fmt::format("unknown method {}", method)});
      return;
    }
    // gRPC collects the whole message before it is ours to count: with many senders that is where
    // the memory goes. What is not read stays with its sender, by HTTP/2's flow control.
    reading_ = door_.AdmitReading();
    if (!reading_) {
      Turn(Door::Overloaded());
      return;
    }
    patience_.Begin(self_);
    StartRead(&request_);
  }

  // The read comes back without a message then.
  void TooSlow() override {
    Turn(Outcome::Reject(StatusCode::kCancelled, "the message came too slowly"));
  }

  void OnReadDone(bool ok) override {
    if (!patience_.End(*this)) return;
    if (!ok) {  // no message at all; too large a message has been answered by gRPC already
      Turn(Outcome::Reject(StatusCode::kInvalidArgument, "the call carried no message"));
      return;
    }
    door_.HasRead(request_.Length());
    reading_.reset();
    auto lease = door_.Admit(request_.Length() + (metadata_ ? metadata_->size() : 0));
    if (!lease) {
      Turn(Door::Overloaded());
      return;
    }
    auto slice = std::make_shared<grpc::Slice>();
    if (!request_.TrySingleSlice(slice.get()).ok() &&
        !request_.DumpToSingleSlice(slice.get()).ok()) {
      Turn(Outcome::Reject(StatusCode::kInternal, "the message could not be read"));
      return;
    }
    request_.Clear();
    const std::string_view message(reinterpret_cast<const char*>(slice->begin()), slice->size());
    const otlp::Encoding coding = EncodingOfMessage(message);
    Bytes bytes;
    if (coding == otlp::Encoding::kIdentity) {
      bytes = Bytes(std::move(slice), message);
    } else {
      std::string inflated;
      if (Outcome outcome = Decompress(coding, message, max_bytes_, inflated); !outcome.ok()) {
        Turn(outcome);
        return;
      }
      if (!door_.AdmitMore(*lease, inflated.size())) {
        Turn(Door::Overloaded());
        return;
      }
      bytes = Bytes(std::move(inflated));
      bytes.SetReceived(coding, std::move(slice), message);
    }
    {
      std::lock_guard lock(mutex_);
      lease_ = lease;
      if (cancelled_) lease->Withdraw();
    }
    door_.Enter(
        signal_, std::move(bytes), std::move(lease), [this](Outcome outcome) { Answer(outcome); },
        std::move(metadata_));
  }

  // The sender gave up, or its connection broke.
  void OnCancel() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (auto lease = lease_.lock()) lease->Withdraw();
  }

  void OnDone() override { const auto last = std::move(self_); }

 private:
  void Turn(const Outcome& outcome) {
    door_.CountTurnedAway(outcome);
    Answer(outcome);
  }

  void Answer(const Outcome& outcome) {
    if (!outcome.ok()) {
      Finish(StatusOf(outcome));
      return;
    }
    const grpc::Slice response(otlp::EncodeResponse(PartialSuccessOf(outcome)));
    response_ = grpc::ByteBuffer(&response, 1);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  Door& door_;
  Patience& patience_;
  std::shared_ptr<ExportCall> self_{};
  const Signal signal_;
  const std::size_t max_bytes_;
  std::shared_ptr<const Metadata> metadata_;
  std::shared_ptr<const void> reading_{};
  grpc::ByteBuffer request_{};
  grpc::ByteBuffer response_{};
  std::mutex mutex_;  // guards what OnCancel, on its own thread, needs
  std::weak_ptr<Lease> lease_{};
  bool cancelled_ = false;
};

// A call that is answered before anything of it is read.
class RefusedCall : public grpc::ServerGenericBidiReactor {
 public:
  explicit RefusedCall(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

class Service : public grpc::CallbackGenericService {
 public:
  Service(Door& door, const GrpcServerOptions& options)
      : door_(door),
        patience_(options.message_timeout),
        max_bytes_(options.max_recv_msg_size_bytes),
        auth_(options.auth),
        client_metadata_(options.metadata_keys, options.include_metadata) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const auto& headers = context->client_metadata();
    AuthAttributes who;
    std::shared_ptr<const Metadata> metadata;
    Outcome outcome;
    if (auth_) {
      outcome = auth_->Authenticate(
          [&](std::string_view name) -> std::optional<std::string_view> {
            const auto found = headers.find(grpc::string_ref(name.data(), name.size()));
            if (found == headers.end()) return std::nullopt;
            return std::string_view(found->second.data(), found->second.size());
          },
          &who);
    }
    if (outcome.ok()) {
      outcome = client_metadata_.Take(
          [&](std::string_view name, const std::function<void(std::string_view)>& value) {
            const auto [from, to] = headers.equal_range(grpc::string_ref(name.data(), name.size()));
            for (auto it = from; it != to; ++it) value({it->second.data(), it->second.size()});
          },
          who, context->peer(), metadata);
    }
    if (!outcome.ok()) {
      door_.CountTurnedAway(outcome);
      return new RefusedCall(StatusOf(outcome));
    }
    const std::optional<Signal> signal = SignalByGrpcMethod(context->method());
    const auto call =
        std::make_shared<ExportCall>(door_, patience_, signal, max_bytes_, std::move(metadata));
    call->Begin(call, signal, context->method());
    return call.get();
  }

 private:
  Door& door_;
  Patience patience_;
  const std::size_t max_bytes_;
  const std::shared_ptr<const ServerAuthenticator> auth_;
  const ClientMetadata client_metadata_;
};

// gRPC gets connections that were accepted here: the listening socket is not its own, so that
// another receiver can go on with it.
class GrpcReceiver : public Receiver {
 public:
  GrpcReceiver(std::unique_ptr<Door> door, const GrpcServerOptions& options)
      : door_(std::move(door)), service_(*door_, options) {}
  ~GrpcReceiver() override { Stop(std::chrono::steady_clock::now()); }

  Result<> Listen(std::shared_ptr<const http::Listening> socket) {
    port_ = socket->port;
    auto feeder = ConnectionFeeder::Start(std::move(socket), [this](int fd) {
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
      connection.fd = fd;
      acceptor_->HandleNewConnection(&connection);
    });
    if (!feeder) return tl::unexpected(feeder.error());
    feeder_ = std::move(*feeder);
    return {};
  }

  // gRPC has no gentle goodbye but that of Stop, which lets calls under way finish.
  void StopAccepting() override {
    if (feeder_) feeder_->Stop();
  }

  void Stop(std::chrono::steady_clock::time_point deadline) override {
    StopAccepting();
    if (!server_) return;
    const auto left = deadline - std::chrono::steady_clock::now();
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::duration_cast<std::chrono::microseconds>(left));
    server_->Wait();
    server_.reset();
  }
  std::uint16_t port() const override { return port_; }

  const std::unique_ptr<Door> door_;
  Service service_;
  std::unique_ptr<http::TlsCopies> certificates_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;

 private:
  std::unique_ptr<ConnectionFeeder> feeder_;
  std::uint16_t port_ = 0;
};

void AddMilliseconds(grpc::ServerBuilder& builder, const char* argument,
                     std::chrono::milliseconds value) {
  if (value.count() <= 0) return;
  builder.AddChannelArgument(argument, static_cast<int>(std::min<std::int64_t>(
                                           value.count(), std::numeric_limits<int>::max())));
}

}  // namespace

void QuietGrpc() {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function([](gpr_log_func_args* args) { log::Debug("grpc: {}", args->message); });
}

Result<std::unique_ptr<Receiver>> StartGrpcReceiver(const GrpcServerOptions& options,
                                                    std::unique_ptr<Door> door) {
  std::shared_ptr<const http::Listening> socket = options.listening;
  if (socket == nullptr) {  // nobody else is to go on with it
    ListenSockets own;
    auto opened = ListenSockets::Set(own).Get("", options.endpoint, options.unix_socket);
    if (!opened) return tl::unexpected(opened.error());
    socket = std::move(*opened);
  }
  auto credentials = ServerCredentialsOf(options.tls);
  if (!credentials) return tl::unexpected(credentials.error());

  auto receiver = std::make_unique<GrpcReceiver>(std::move(door), options);
  receiver->certificates_ = std::move(credentials->copies);
  grpc::ServerBuilder builder;
  receiver->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      credentials->credentials);
  builder.RegisterCallbackGenericService(&receiver->service_);
  builder.SetMaxReceiveMessageSize(static_cast<int>(
      std::min<std::uint64_t>(options.max_recv_msg_size_bytes, std::numeric_limits<int>::max())));
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // With it gRPC gives every stream and connection a window of 4 MiB, read or not: what comes
  // before AdmitReading can refuse it is memory that nobody counted (docs/decisions/0013).
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  if (options.max_concurrent_streams > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                               static_cast<int>(options.max_concurrent_streams));
  }
  AddMilliseconds(builder, GRPC_ARG_MAX_CONNECTION_IDLE_MS, options.connection.max_idle);
  AddMilliseconds(builder, GRPC_ARG_MAX_CONNECTION_AGE_MS, options.connection.max_age);
  AddMilliseconds(builder, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, options.connection.max_age_grace);
  AddMilliseconds(builder, GRPC_ARG_KEEPALIVE_TIME_MS, options.connection.ping_after);
  AddMilliseconds(builder, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options.connection.ping_timeout);
  AddMilliseconds(builder, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                  options.connection.min_ping_interval);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS,
                             options.connection.permit_pings_without_stream ? 1 : 0);
  receiver->server_ = builder.BuildAndStart();
  if (!receiver->server_) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("listen on {}: gRPC could not start", options.endpoint));
  }
  if (auto listening = receiver->Listen(std::move(socket)); !listening) {
    return tl::unexpected(listening.error());
  }
  return receiver;
}

}  // namespace wirespan::gateway
