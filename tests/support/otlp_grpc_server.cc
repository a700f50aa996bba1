#include <grpcpp/alarm.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "common/otlp/compress.h"
#include "tests/support/otlp_server.h"

namespace wirespan::testing {
namespace {

using Judge = std::function<OtlpReply(OtlpRequest)>;

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::string bytes;
  std::vector<grpc::Slice> slices;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// One call: reads its message, asks the script, answers after the script's delay.
class Call final : public grpc::ServerGenericBidiReactor {
 public:
  Call(grpc::GenericCallbackServerContext* context, const Judge& judge)
      : context_(context), judge_(judge) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no message"));
    OtlpRequest request;
    request.path = context_->method();
    for (const auto& [key, value] : context_->client_metadata()) {
      request.headers[std::string(key.data(), key.size())] =
          std::string(value.data(), value.size());
    }
    request.raw = Flatten(message_);
    otlp::Decompressor().Decompress(otlp::DetectEncoding(request.raw), request.raw, 256u << 20,
                                    request.body);
    reply_ = judge_(std::move(request));
    if (reply_.delay.count() == 0) return Answer();
    alarm_.Set(std::chrono::system_clock::now() + reply_.delay, [this](bool) { Answer(); });
  }
  void OnWriteDone(bool) override {}
  void OnDone() override { delete this; }

 private:
  void Answer() {
    if (reply_.code != 0) {
      return Finish(
          grpc::Status(static_cast<grpc::StatusCode>(reply_.code), reply_.message, reply_.details));
    }
    const grpc::Slice slice(reply_.body);
    answer_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
  }

  grpc::GenericCallbackServerContext* context_;
  const Judge& judge_;
  grpc::ByteBuffer message_{};
  grpc::ByteBuffer answer_{};
  OtlpReply reply_{};
  grpc::Alarm alarm_{};
};

class GrpcOtlpServer final : public OtlpServer, private grpc::CallbackGenericService {
 public:
  GrpcOtlpServer(const Options& options, Script script)
      : OtlpServer(Kind::kGrpc, std::move(script)),
        judge_([this](OtlpRequest request) { return Take(std::move(request)); }) {
    grpc::ServerBuilder builder;
    std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
    if (!options.certificate.empty()) {
      grpc::SslServerCredentialsOptions ssl(
          options.client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                    : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
      ssl.pem_key_cert_pairs.push_back({options.key, options.certificate});
      ssl.pem_root_certs = options.client_ca;
      credentials = grpc::SslServerCredentials(ssl);
    }
    builder.AddListeningPort("127.0.0.1:" + std::to_string(options.port), credentials, &port_);
    builder.SetMaxReceiveMessageSize(128 << 20);
    if (options.raw_grpc) builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~GrpcOtlpServer() override {
    if (server_)
      server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  }

  std::uint16_t port() const override { return static_cast<std::uint16_t>(port_); }
  bool running() const { return server_ != nullptr; }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(context, judge_);
  }

  int port_ = 0;
  const Judge judge_;
  std::unique_ptr<grpc::Server> server_{};
};

}  // namespace

std::unique_ptr<OtlpServer> StartGrpcOtlpServer(const OtlpServer::Options& options,
                                                OtlpServer::Script script) {
  auto server = std::make_unique<GrpcOtlpServer>(options, std::move(script));
  if (!server->running()) return nullptr;
  return server;
}

}  // namespace wirespan::testing
