#include <grpc/support/log.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/byte_buffer.h>

#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "agent/export/grpc_endpoint.h"
#include "agent/export/transport.h"
#include "common/base/strings.h"
#include "common/http/proxy.h"
#include "common/http/tls_copies.h"
#include "common/otlp/status.h"
#include "common/telemetry/log.h"

namespace grpc::internal {

// gRPC's own door to the C buffer, declared as a friend by ByteBuffer and left for users of the C
// API to define. It is needed for one thing: to say that the bytes are compressed already, so that
// gRPC marks them and leaves them alone.
class GrpcByteBufferPeer {
 public:
  static void MarkGzip(ByteBuffer& buffer) {
    buffer.c_buffer()->data.raw.compression = GRPC_COMPRESS_GZIP;
  }
};

}  // namespace grpc::internal

namespace wirespan::exporting {
namespace {

using otlp::Encoding;
constexpr std::size_t kMessageBytes = 200;

// A slice that keeps the shared bytes alive instead of copying them.
grpc::Slice SharedSlice(std::shared_ptr<const std::string> body) {
  auto* keep = new std::shared_ptr<const std::string>(std::move(body));
  char* bytes = const_cast<char*>((*keep)->data());
  return {bytes, (*keep)->size(),
          [](void* kept) { delete static_cast<std::shared_ptr<const std::string>*>(kept); }, keep};
}

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::string bytes;
  std::vector<grpc::Slice> slices;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(otlp::Signal signal, const SignalOptions& options, std::size_t max_response_bytes,
                std::string name, std::unique_ptr<http::TlsCopies> certificates,
                std::shared_ptr<grpc::Channel> channel)
      : method_(otlp::GrpcMethod(signal)),
        headers_(),
        timeout_(options.timeout),
        encoding_(options.compression == Compression::kNone ? Encoding::kIdentity
                                                            : Encoding::kGzip),
        max_response_bytes_(max_response_bytes),
        name_(std::move(name)),
        certificates_(std::move(certificates)),
        stub_(std::move(channel)) {
    for (const auto& [key, value] : options.headers) headers_.emplace_back(AsciiLower(key), value);
  }

  ~GrpcTransport() override {
    std::unique_lock lock(mutex_);
    for (Call* call : calls_) call->context.TryCancel();
    idle_.wait(lock, [this] { return unfinished_ == 0; });
  }

  Encoding encoding() const override { return encoding_; }
  const std::string& name() const override { return name_; }

  void Send(std::shared_ptr<const std::string> body, std::function<void(Outcome)> done) override {
    auto owned = std::make_unique<Call>();
    Call* call = owned.get();
    call->done = std::move(done);
    for (const auto& [key, value] : headers_) call->context.AddMetadata(key, value);
    call->context.set_deadline(std::chrono::system_clock::now() + timeout_);
    const grpc::Slice slice = SharedSlice(std::move(body));
    call->request = grpc::ByteBuffer(&slice, 1);
    if (encoding_ == Encoding::kGzip) {
      call->context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
      grpc::internal::GrpcByteBufferPeer::MarkGzip(call->request);
    }
    {
      const std::lock_guard lock(mutex_);
      calls_.insert(owned.release());
      ++unfinished_;
    }
    stub_.UnaryCall(&call->context, method_, grpc::StubOptions(), &call->request, &call->response,
                    [this, call](const grpc::Status& status) { Finish(call, status); });
  }

 private:
  struct Call {
    grpc::ClientContext context{};
    grpc::ByteBuffer request{};
    grpc::ByteBuffer response{};
    std::function<void(Outcome)> done{};
  };

  // On gRPC's thread. The context holds the channel, and whoever lets go of a channel last joins
  // gRPC's callback threads: that must not be one of them, so the call is gone before the
  // destructor may go on.
  void Finish(Call* call, const grpc::Status& status) {
    std::unique_ptr<Call> owned(call);
    owned->done(Judge(status, owned->response));
    {
      const std::lock_guard lock(mutex_);
      calls_.erase(call);
    }
    owned.reset();
    const std::lock_guard lock(mutex_);
    // Under the lock: the destructor may free us as soon as it is released.
    if (--unfinished_ == 0) idle_.notify_all();
  }

  Outcome Judge(const grpc::Status& status, const grpc::ByteBuffer& response) const {
    Outcome outcome;
    const int code = status.error_code();
    outcome.code = otlp::GrpcCodeName(code);
    if (status.ok()) {
      outcome.kind = Outcome::Kind::kAccepted;
      return ReadResponse(Flatten(response), std::move(outcome));
    }
    outcome.message = ToUtf8(TruncateUtf8(otlp::GrpcReason(status.error_message()), kMessageBytes));
    otlp::RpcStatus details;
    if (!otlp::DecodeStatus(status.error_details(), details)) details = {};
    if (!otlp::GrpcRetryable(code, details.retry_delay.has_value())) return outcome;
    outcome.kind = Outcome::Kind::kRetry;
    outcome.retry_after = details.retry_delay;
    return outcome;
  }

  // gRPC's own decompression has no bound and is off: a compressed response arrives as it is.
  Outcome ReadResponse(std::string bytes, Outcome outcome) const {
    std::string body;
    const Encoding encoding = otlp::DetectEncoding(bytes);
    const auto inflated =
        otlp::Decompressor().Decompress(encoding, bytes, max_response_bytes_, body);
    if (inflated == otlp::Decompressor::Outcome::kTooLarge) {
      outcome.kind = Outcome::Kind::kRefused;
      outcome.code = "response_too_large";
      outcome.message =
          "the response is larger than " + std::to_string(max_response_bytes_) + " bytes";
    } else if (inflated != otlp::Decompressor::Outcome::kOk ||
               !otlp::DecodeResponse(body, outcome.partial)) {
      outcome.partial = {};
      outcome.message = "the response is not an OTLP response";
    }
    return outcome;
  }

  const std::string method_;
  std::vector<std::pair<std::string, std::string>> headers_;
  const std::chrono::milliseconds timeout_;
  const Encoding encoding_;
  const std::size_t max_response_bytes_;
  const std::string name_;
  const std::unique_ptr<http::TlsCopies> certificates_;  // what the channel reads; null: nothing
  grpc::GenericStub stub_;
  std::mutex mutex_{};  // guards calls_ and unfinished_
  std::condition_variable idle_{};
  std::unordered_set<Call*> calls_{};  // that can be cancelled; each owned by its own completion
  std::size_t unfinished_ = 0;         // calls whose completion still runs
};

// gRPC writes its errors to stderr in a form of its own; what matters of them comes back as a
// status.
void QuietGrpc() {
  static const bool once = [] {
    gpr_set_log_function([](gpr_log_func_args* line) {
      log::WriteLimited(log::Level::kDebug, "grpc", std::string("grpc: ") + line->message);
    });
    return true;
  }();
  (void)once;
}

Result<std::string> ReadFile(std::string_view what, const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  if (!file) return FailErrno(std::string(what) + " " + path, errno);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.find("-----BEGIN ") == std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(what) + " " + path + ": not in PEM format");
  }
  return text;
}

constexpr unsigned kGrpcLooksEverySeconds = 1;  // at the copies, which cost nothing

// Files that are replaced while the agent runs: new connections get what they hold then.
Result<std::shared_ptr<grpc::ChannelCredentials>> WatchedCredentials(
    const SignalOptions& options, std::unique_ptr<http::TlsCopies>& copies) {
  auto started = http::TlsCopies::Start(
      {.certificate_file = options.certificate_file,
       .key_file = options.key_file,
       .ca_file = options.ca_file},
      options.reload_interval, [](const Result<>& changed) {
        if (changed) {
          log::WriteLimited(log::Level::kInfo, "export-tls-reload",
                            "exporter: the TLS files changed; new connections get what they hold");
        } else {
          log::WriteLimited(
              log::Level::kError, "export-tls-reload",
              "exporter: the TLS files changed and can't be used, new connections get "
              "what was read before: " +
                  changed.error().message);
        }
      });
  if (!started) return tl::unexpected(std::move(started.error()));
  copies = std::move(*started);
  namespace exp = grpc::experimental;
  exp::TlsChannelCredentialsOptions watching;
  watching.set_certificate_provider(std::make_shared<exp::FileWatcherCertificateProvider>(
      copies->identity_path(), copies->identity_path(), copies->ca_path(), kGrpcLooksEverySeconds));
  if (!options.certificate_file.empty()) watching.watch_identity_key_cert_pairs();
  if (!options.ca_file.empty()) watching.watch_root_certs();
  return exp::TlsCredentials(watching);
}

// `copies`: what the credentials read, if they watch files.
Result<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const SignalOptions& options, bool tls, std::unique_ptr<http::TlsCopies>& copies) {
  if (!tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  auto ca = ReadFile("CA certificate", options.ca_file);
  if (!ca) return tl::unexpected(std::move(ca.error()));
  auto certificate = ReadFile("client certificate", options.certificate_file);
  if (!certificate) return tl::unexpected(std::move(certificate.error()));
  auto key = ReadFile("client key", options.key_file);
  if (!key) return tl::unexpected(std::move(key.error()));
  const bool files = !(options.ca_file + options.certificate_file).empty();
  if (files && options.reload_interval.count() > 0) return WatchedCredentials(options, copies);
  ssl.pem_root_certs = std::move(*ca);
  ssl.pem_cert_chain = std::move(*certificate);
  ssl.pem_private_key = std::move(*key);
  return grpc::SslCredentials(ssl);
}

grpc::ChannelArguments Arguments(const GrpcEndpoint& endpoint, const ExporterOptions& common) {
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix(UserAgent());
  arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                   static_cast<int>(std::min<std::size_t>(common.max_response_bytes, INT32_MAX)));
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // Each signal its own connection: one that stalls does not stall the other.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A name given so may have the addresses of all replicas (a headless Service): each gets its
  // share. gRPC looks the name up again when a replica ends a connection.
  if (endpoint.target.starts_with("dns:")) {
    arguments.SetLoadBalancingPolicyName("round_robin");
  }
  // More often and servers with gRPC's defaults hang up on us.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 300'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   static_cast<int>(common.initial_backoff.count()));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                   static_cast<int>(common.initial_backoff.count()));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(common.max_backoff.count()));
  const std::string& proxy = endpoint.tls ? common.proxy : common.http_proxy;
  http::Url url;
  url.scheme = endpoint.tls ? "https" : "http";
  url.host = endpoint.host;
  url.port = endpoint.port;
  if (endpoint.host.empty() || proxy.empty() || http::BypassesProxy(url, common.no_proxy)) {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  } else {
    arguments.SetString(GRPC_ARG_HTTP_PROXY,
                        proxy.find("://") == std::string::npos ? "http://" + proxy : proxy);
  }
  return arguments;
}

}  // namespace

Result<std::unique_ptr<Transport>> CreateGrpcTransport(otlp::Signal signal,
                                                       const SignalOptions& options,
                                                       const ExporterOptions& common) {
  QuietGrpc();
  auto endpoint = ParseGrpcEndpoint(options.endpoint, options.insecure);
  if (!endpoint) return Wrap("endpoint", std::move(endpoint.error()));
  std::unique_ptr<http::TlsCopies> certificates;
  auto credentials = Credentials(options, endpoint->tls, certificates);
  if (!credentials) return tl::unexpected(std::move(credentials.error()));
  if (options.compression == Compression::kZstd) {
    log::WriteLimited(log::Level::kWarn, "export-grpc-zstd",
                      "exporter: zstd is not available over gRPC, gzip is used instead (zstd works "
                      "over http/protobuf)");
  }
  auto channel =
      grpc::CreateCustomChannel(endpoint->target, *credentials, Arguments(*endpoint, common));
  return std::make_unique<GrpcTransport>(signal, options, common.max_response_bytes,
                                         endpoint->target, std::move(certificates),
                                         std::move(channel));
}

}  // namespace wirespan::exporting
