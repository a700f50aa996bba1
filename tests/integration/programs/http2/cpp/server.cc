// A libgrpc++ server, synchronous: server PORT LOG [OPTION=VALUE]... SIGTERM ends it when its calls
// have ended.
#include <grpcpp/impl/codegen/method_handler.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/service_type.h>

#include <csignal>
#include <thread>

#include "common.h"

namespace {

using grpc::ByteBuffer;
using grpc::Status;
using Stream = grpc::ServerReaderWriter<ByteBuffer, ByteBuffer>;

// Answers one call as its x-reply header says.
class Call {
 public:
  Call(grpc::ServerContext& context, Stream& stream, Fields reply)
      : context_(context), stream_(stream), reply_(std::move(reply)) {}

  Status Run(const std::string& method) {
    if (reply_.number("early") == 1) return End();
    const bool bidi = method == "Bidi";
    if (!bidi) {
      while (Receive()) {
      }
    }
    if (!Wait("delay")) return Status::CANCELLED;
    if (const int n = reply_.number("metadata"))
      context_.AddInitialMetadata("x-fill", std::string(n, 'm'));
    const int messages = reply_.number("messages", 1);
    // As generated code does, the only message leaves together with the status.
    const bool joined = method == "Unary" || method == "ClientStream";
    for (int i = 0; bidi ? Receive() : i < messages; ++i) {
      if (!bidi && i > 0 && !Wait("pause")) return Status::CANCELLED;
      const ByteBuffer message = Zeros(reply_.number("size", 100));
      grpc::WriteOptions options;
      if (joined) options.set_last_message();
      if (!stream_.Write(message, options)) return Status::CANCELLED;
      tally_.Sent(message);
    }
    return context_.IsCancelled() ? Status::CANCELLED : End();
  }

  const Tally& tally() const { return tally_; }

 private:
  bool Receive() {
    ByteBuffer message;
    if (!stream_.Read(&message)) return false;
    tally_.Received(message);
    return true;
  }

  // False: the call was cancelled meanwhile.
  bool Wait(const char* name) {
    for (const auto until = Clock::now() + reply_.ms(name); Clock::now() < until;) {
      if (context_.IsCancelled()) return false;
      std::this_thread::sleep_for(
          std::min<Clock::duration>(std::chrono::milliseconds(5), until - Clock::now()));
    }
    return true;
  }

  Status End() {
    if (const int n = reply_.number("trailers"))
      context_.AddTrailingMetadata("x-fill", std::string(n, 't'));
    const int status = reply_.number("status");
    return status == 0 ? Status::OK
                       : Status(static_cast<grpc::StatusCode>(status), reply_.text("text") + " ü%");
  }

  grpc::ServerContext& context_;
  Stream& stream_;
  Fields reply_;
  Tally tally_;
};

class Truth final : public grpc::Service {
 public:
  explicit Truth(const char* log) : log_(log) {
    using Method = grpc::internal::RpcServiceMethod;
    using Handler = grpc::internal::BidiStreamingHandler<Truth, ByteBuffer, ByteBuffer>;
    for (const char* path : {"/wirespan.test.Truth/Unary", "/wirespan.test.Truth/ClientStream",
                             "/wirespan.test.Truth/ServerStream", "/wirespan.test.Truth/Bidi"}) {
      // On the wire all four are the same; so one handler is enough.
      AddMethod(new Method(
          path, grpc::internal::RpcMethod::BIDI_STREAMING,
          new Handler([path](Truth* self, grpc::ServerContext* context,
                             Stream* stream) { return self->Handle(path, *context, *stream); },
                      this)));
    }
  }

 private:
  Status Handle(const std::string& path, grpc::ServerContext& context, Stream& stream) {
    const auto start = Clock::now();
    const auto value = [&](const char* name) {
      const auto found = context.client_metadata().find(name);
      return found == context.client_metadata().end()
                 ? std::string()
                 : std::string(found->second.data(), found->second.size());
    };
    Call call(context, stream, Fields(value("x-reply"), ','));
    const Status status = call.Run(path.substr(path.rfind('/') + 1));
    if (const std::string id = value("x-id"); !id.empty())
      log_.Write(id, path.substr(1), status.error_code(), Ms(start), call.tally());
    return status;
  }

  TruthLog log_;
};

}  // namespace

int main(int argc, char** argv) {
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &terminate, nullptr);
  Truth truth(argv[2]);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("127.0.0.1:") + argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&truth);
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20);
  if (const int after = Options(argc, argv).number("keepalive", 1000)) {
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, after);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  std::thread stopper([&] {
    int signal = 0;
    sigwait(&terminate, &signal);
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(10));
  });
  server->Wait();
  stopper.join();
}
