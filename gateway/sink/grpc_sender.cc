#include "gateway/sink/grpc_sender.h"

#include <fmt/format.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/byte_buffer.h>

#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "common/base/redact_url.h"
#include "common/http/credentials.h"
#include "common/http/tls_copies.h"
#include "common/http/url.h"
#include "common/otlp/response.h"
#include "common/otlp/status.h"
#include "gateway/sink/answer.h"
#include "gateway/sink/encode.h"
#include "gateway/sink/jaeger_model.h"
#include "gateway/sink/proxy_choice.h"
#include "gateway/sink/request_headers.h"

// grpc::ByteBuffer can't be told that its bytes are compressed already; the core's byte buffer can.
// gRPC names this class as a friend of ByteBuffer for such uses and leaves its definition to the
// user.
namespace grpc::internal {
class GrpcByteBufferPeer {
 public:
  static void Set(ByteBuffer& buffer, grpc_byte_buffer* raw) { buffer.set_buffer(raw); }
};
}  // namespace grpc::internal

namespace wirespan::gateway {

namespace {

// The slice shares the piece's memory and keeps its owner.
grpc::Slice SliceOf(const Bytes::Piece& piece) {
  auto* owner = new std::shared_ptr<const void>(piece.owner);
  return grpc::Slice(
      const_cast<char*>(piece.view.data()), piece.view.size(),
      [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); }, owner);
}

grpc::ByteBuffer BufferOf(const Bytes& bytes) {
  std::vector<grpc::Slice> slices;
  slices.reserve(bytes.pieces().size());
  for (const Bytes::Piece& piece : bytes.pieces()) slices.push_back(SliceOf(piece));
  if (slices.empty()) slices.emplace_back("", 0);
  return grpc::ByteBuffer(slices.data(), slices.size());
}

// Compressed here, or by the sender that the bytes came from: then they go on as they are.
Bytes::Piece CompressedPieceOf(Compression compression, const Bytes& bytes) {
  if (const Bytes::Piece* received = bytes.ReceivedIn(compression)) return *received;
  auto owner = std::make_shared<const std::string>(CompressBytes(compression, bytes));
  const std::string_view view = *owner;
  return {std::move(owner), view};
}

grpc::ByteBuffer CompressedBufferOf(Bytes::Piece piece, grpc_compression_algorithm algorithm) {
  auto* owner = new std::shared_ptr<const void>(std::move(piece.owner));
  grpc_slice slice = grpc_slice_new_with_user_data(
      const_cast<char*>(piece.view.data()), piece.view.size(),
      [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); }, owner);
  grpc::ByteBuffer buffer;
  grpc::internal::GrpcByteBufferPeer::Set(
      buffer, grpc_raw_compressed_byte_buffer_create(&slice, 1, algorithm));
  grpc_slice_unref(slice);
  return buffer;
}

Outcome OutcomeOf(const grpc::Status& status, const std::string& endpoint,
                  const grpc::ByteBuffer& response) {
  Outcome outcome;
  if (status.ok()) {
    grpc::Slice slice;
    if (response.Valid() && response.Length() > 0 && response.DumpToSingleSlice(&slice).ok()) {
      otlp::PartialSuccess partial;
      otlp::DecodeResponse({reinterpret_cast<const char*>(slice.begin()), slice.size()}, partial);
      SetPartialSuccess(partial, outcome);
    }
    return outcome;
  }
  otlp::RpcStatus details;
  otlp::DecodeStatus(status.error_details(), details);
  outcome.code = static_cast<StatusCode>(status.error_code());
  outcome.retry_after = BoundedDelay(details.retry_delay);
  outcome.retryable = otlp::GrpcRetryable(status.error_code(), details.retry_delay.has_value());
  outcome.message = fmt::format("{}: {} ({})", endpoint, otlp::GrpcReason(status.error_message()),
                                otlp::GrpcCodeName(status.error_code()));
  return outcome;
}

// What a backend with a model of its own is called with; null: OTLP.
struct Dialect {
  const char* method = nullptr;
  std::string (*translate)(std::string_view request) = nullptr;
};

class GrpcSender : public Sender {
 public:
  GrpcSender(GrpcClientOptions options, std::unique_ptr<http::TlsCopies> certificates,
             std::shared_ptr<grpc::Channel> channel, Dialect dialect)
      : options_(std::move(options)),
        certificates_(std::move(certificates)),
        dialect_(dialect),
        stub_(std::move(channel)) {}

  ~GrpcSender() override {
    std::unique_lock lock(mutex_);
    for (Call* call : calls_) call->context.TryCancel();
    idle_.wait(lock, [&] { return calls_.empty(); });
  }

  otlp::Encoding wire_encoding() const override {
    return dialect_.translate != nullptr ? Compression::kIdentity : options_.compression;
  }

  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    HeaderList headers;
    if (Outcome outcome = HeadersFor(options_, request.metadata.get(), headers); !outcome.ok()) {
      return done(std::move(outcome));
    }
    for (const auto& [name, value] : headers) {
      if (FitsInGrpc(name, value)) continue;
      return done(Outcome::Reject(StatusCode::kInvalidArgument,
                                  fmt::format("gRPC can't carry the value of header {}", name)));
    }
    Bytes& bytes = request.bytes;
    auto call = std::make_unique<Call>();
    if (dialect_.translate != nullptr) {
      std::string storage;
      bytes = Bytes(dialect_.translate(bytes.Contiguous(storage)));
    }
    if (options_.compression == Compression::kIdentity) {
      call->request = BufferOf(bytes);
    } else {
      const bool gzip = options_.compression == Compression::kGzip;
      call->request = CompressedBufferOf(CompressedPieceOf(options_.compression, bytes),
                                         gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_DEFLATE);
      call->context.set_compression_algorithm(gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_DEFLATE);
    }
    for (const auto& [name, value] : headers) call->context.AddMetadata(name, value);
    if (options_.timeout.count() > 0) {
      call->context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
    }
    if (!options_.authority.empty()) call->context.set_authority(options_.authority);
    call->context.set_wait_for_ready(options_.wait_for_ready);
    call->done = std::move(done);
    Call* running = call.release();
    {
      std::lock_guard lock(mutex_);
      calls_.insert(running);
    }
    const char* method =
        dialect_.method != nullptr ? dialect_.method : otlp::GrpcMethod(request.signal).data();
    stub_.UnaryCall(&running->context, method, grpc::StubOptions(), &running->request,
                    &running->response,
                    [this, running](grpc::Status status) { OnDone(running, status); });
  }

 private:
  struct Call {
    grpc::ClientContext context{};
    grpc::ByteBuffer request{};
    grpc::ByteBuffer response{};
    std::function<void(Outcome)> done{};
  };

  void OnDone(Call* call, const grpc::Status& status) {
    Outcome outcome = OutcomeOf(status, shown_endpoint_, call->response);
    call->done(std::move(outcome));
    std::lock_guard lock(mutex_);
    calls_.erase(call);
    delete call;
    idle_.notify_all();  // under the lock: the destructor may run as soon as it is released
  }

  const GrpcClientOptions options_;
  const std::string shown_endpoint_ = RedactUrl(options_.endpoint);
  const std::unique_ptr<http::TlsCopies> certificates_;  // what the channel reads; null: nothing
  const Dialect dialect_;
  grpc::GenericStub stub_;
  std::mutex mutex_;  // guards calls_
  std::condition_variable idle_;
  std::set<Call*> calls_{};
};

Result<std::string> ReadFile(const std::string& path, std::string_view key) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("tls.{}: can't read {}", key, path));
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

struct Pem {
  std::string ca{};
  std::string cert{};
  std::string key{};
};

Result<Pem> LoadPem(const ClientTlsOptions& tls) {
  Pem pem;
  const std::pair<const std::string*, std::pair<std::string*, const char*>> files[] = {
      {&tls.ca_file, {&pem.ca, "ca_file"}},
      {&tls.cert_file, {&pem.cert, "cert_file"}},
      {&tls.key_file, {&pem.key, "key_file"}},
  };
  for (const auto& [path, target] : files) {
    if (path->empty()) continue;
    auto text = ReadFile(*path, target.second);
    if (!text) return tl::unexpected(text.error());
    *target.first = std::move(*text);
  }
  return pem;
}

constexpr unsigned kGrpcLooksEverySeconds = 1;  // at the copies, which cost nothing

// `copies`: what the credentials read, if they watch files.
Result<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const ClientTlsOptions& tls, std::unique_ptr<http::TlsCopies>& copies) {
  if (tls.insecure) return grpc::InsecureChannelCredentials();
  auto pem = LoadPem(tls);
  if (!pem) return tl::unexpected(pem.error());
  const bool watched = tls.reload_interval.count() > 0 && !(tls.ca_file + tls.cert_file).empty();
  if (!tls.insecure_skip_verify && !watched) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = pem->ca;
    options.pem_cert_chain = pem->cert;
    options.pem_private_key = pem->key;
    return grpc::SslCredentials(options);
  }
  namespace exp = grpc::experimental;
  exp::TlsChannelCredentialsOptions options;
  if (watched) {
    // New connections get what the files hold then; what can't be used is passed over.
    auto started = http::TlsCopies::Start(
        {.certificate_file = tls.cert_file, .key_file = tls.key_file, .ca_file = tls.ca_file},
        tls.reload_interval);
    if (!started) return Wrap("tls", std::move(started.error()));
    copies = std::move(*started);
    options.set_certificate_provider(std::make_shared<exp::FileWatcherCertificateProvider>(
        copies->identity_path(), copies->identity_path(), copies->ca_path(),
        kGrpcLooksEverySeconds));
    if (!tls.cert_file.empty()) options.watch_identity_key_cert_pairs();
    if (!tls.ca_file.empty()) options.watch_root_certs();
  } else if (!pem->cert.empty()) {
    options.set_certificate_provider(std::make_shared<exp::StaticDataCertificateProvider>(
        std::vector<exp::IdentityKeyCertPair>{{pem->key, pem->cert}}));
    options.watch_identity_key_cert_pairs();
  }
  if (tls.insecure_skip_verify) {
    options.set_verify_server_certs(false);
    options.set_certificate_verifier(std::make_shared<exp::NoOpCertificateVerifier>());
    options.set_check_call_host(false);
  }
  return exp::TlsCredentials(options);
}

// "http://host:port" and "https://host:port" name the security too; everything else is gRPC's own
// target syntax.
std::string TargetOf(std::string endpoint, ClientTlsOptions& tls) {
  if (endpoint.starts_with("http://")) {
    tls.insecure = true;
    endpoint.erase(0, 7);
  } else if (endpoint.starts_with("https://")) {
    endpoint.erase(0, 8);
  }
  if (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

// gRPC would read other variables of the environment by other rules. It takes a user and a password
// in the proxy's URL too, but decodes them before it takes the URL apart, which a password with an
// "@" does not survive: so they go by the argument that gRPC would make of them.
void SetProxy(const std::string& proxy, grpc::ChannelArguments& arguments) {
  const auto url = http::ParseUrl(proxy);
  if (!url) {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return;
  }
  arguments.SetString(GRPC_ARG_HTTP_PROXY, url->scheme + "://" + url->authority());
  if (url->user.empty() && url->password.empty()) return;
  arguments.SetString("grpc.http_connect_headers",
                      "Proxy-Authorization:" + http::BasicCredentials(url->user, url->password));
}

Result<std::unique_ptr<Sender>> Create(const GrpcClientOptions& options, Dialect dialect) {
  if (options.compression == Compression::kZstd) {
    return Fail(ErrorCode::kUnsupported,
                "compression zstd is not available over gRPC here: use gzip or none, or otlphttp "
                "with zstd");
  }
  GrpcClientOptions settings = options;
  const std::string target = TargetOf(settings.endpoint, settings.tls);
  std::unique_ptr<http::TlsCopies> certificates;
  auto credentials = Credentials(settings.tls, certificates);
  if (!credentials) return tl::unexpected(credentials.error());
  auto proxy = ProxyForGrpc(settings.proxy, target);
  if (!proxy) return tl::unexpected(proxy.error());
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("wirespan-gateway");
  SetProxy(*proxy, arguments);
  arguments.SetLoadBalancingPolicyName(settings.balancer_name);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 10000);
  if (settings.keepalive_time.count() > 0) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(settings.keepalive_time.count()));
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  if (settings.keepalive_timeout.count() > 0) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                     static_cast<int>(settings.keepalive_timeout.count()));
  }
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS,
                   settings.keepalive_permit_without_stream ? 1 : 0);
  if (!settings.tls.server_name_override.empty()) {
    arguments.SetSslTargetNameOverride(settings.tls.server_name_override);
  }
  auto channel = grpc::CreateCustomChannel(target, *credentials, arguments);
  return std::make_unique<GrpcSender>(std::move(settings), std::move(certificates),
                                      std::move(channel), dialect);
}

}  // namespace

Result<std::unique_ptr<Sender>> CreateGrpcSender(const GrpcClientOptions& options) {
  return Create(options, {});
}

Result<std::unique_ptr<Sender>> CreateJaegerSender(const JaegerOptions& options) {
  return Create(options.client, {kJaegerPostSpans, JaegerRequest});
}

}  // namespace wirespan::gateway
