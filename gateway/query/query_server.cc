#include "gateway/query/query_server.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/bounded_queue.h"
#include "common/telemetry/log.h"
#include "gateway/ingest/grpc_wire.h"
#include "gateway/query/answer_streams.h"
#include "gateway/query/jaeger_api.h"
#include "gateway/query/jaeger_json.h"
#include "gateway/query/jaeger_v3_api.h"
#include "gateway/query/jaeger_v3_grpc.h"
#include "gateway/query/live_feed.h"
#include "gateway/query/rates_api.h"
#include "gateway/query/static_page.h"

namespace wirespan::gateway::query {

namespace {

struct Job {
  http::Request request{};
  std::shared_ptr<http::Responder> responder{};
  std::shared_ptr<std::atomic<bool>> gone{};
  bool grpc = false;
};

http::Response Refusal(int status, std::string message, http::Headers headers = {}) {
  headers.emplace_back("Content-Type", "application/json");
  return {.status = status,
          .headers = std::move(headers),
          .body = Envelope("null", 0, {{.code = status, .message = std::move(message)}})};
}

class ThreadedServer : public QueryServer {
 public:
  ThreadedServer(const QueryOptions& options, std::shared_ptr<store::TraceStore> store,
                 std::shared_ptr<const store::CoverageTable> coverage)
      : store_(std::move(store)),
        coverage_(std::move(coverage)),
        api_(*store_),
        auth_(options.auth),
        jobs_(options.waiting) {
    for (int i = 0; i < options.threads; ++i) {
      threads_.emplace_back([this] { RunJobs(); });
    }
    store_->Watch(live_);
  }

  ~ThreadedServer() override {
    stopping_ = true;
    jobs_.Close();
    threads_.clear();
    store_->Watch(nullptr);
    live_->Close();
    answers_.Close();  // before the server, which would end what is left of them as if it were all
    if (server_) server_->Stop(std::chrono::milliseconds(100));
    if (grpc_server_) grpc_server_->Stop(std::chrono::milliseconds(100));
  }

  Result<> Listen(const QueryOptions& options) {
    http::ServerOptions server = options.server;
    server.max_body_bytes = 64u << 10;
    server.max_connections = 256;
    server.http2 = std::nullopt;  // over which nothing can be streamed yet
    auto started = http::Server::Start(
        server, [this](http::Request request, std::unique_ptr<http::Responder> responder) {
          Take(std::move(request), std::move(responder));
        });
    if (!started) return tl::unexpected(started.error());
    server_ = std::move(*started);
    return options.grpc ? ListenForGrpc(*options.grpc) : Result<>();
  }

  std::uint16_t port() const override { return server_->port(); }
  std::uint16_t grpc_port() const override { return grpc_server_ ? grpc_server_->port() : 0; }

 private:
  Result<> ListenForGrpc(http::ServerOptions server) {
    server.max_body_bytes = 64u << 10;
    server.max_connections = 256;
    server.refusal = [](int status, std::string_view) {
      return GrpcFailure(status == 503 ? Outcome::Retry("too much at once")
                                       : Outcome::Reject(StatusCode::kInvalidArgument,
                                                         "the call is not valid HTTP/2"));
    };
    auto started = http::Server::Start(
        server, [this](http::Request request, std::unique_ptr<http::Responder> responder) {
          TakeCall(std::move(request), std::move(responder));
        });
    if (!started) return tl::unexpected(started.error());
    grpc_server_ = std::move(*started);
    return {};
  }

  void TakeCall(http::Request request, std::unique_ptr<http::Responder> responder) {
    const auto type = http::FindHeader(request.headers, "content-type");
    if (!request.http2 || request.method != "POST" || !type || !IsGrpc(*type)) {
      return responder->Send({.status = 415,
                              .headers = {{"Content-Type", "text/plain"}},
                              .body = "this port speaks gRPC\n"});
    }
    if (auth_) {
      const Outcome allowed = auth_->Authenticate(
          [&](std::string_view name) { return http::FindHeader(request.headers, name); });
      if (!allowed.ok()) return responder->Send(GrpcFailure(allowed));
    }
    if (const auto timeout =
            ReadGrpcTimeout(http::FindHeader(request.headers, "grpc-timeout").value_or(""))) {
      responder->AnswerBy(std::chrono::steady_clock::now() + *timeout,
                          GrpcFailure(Outcome::Reject(StatusCode::kDeadlineExceeded,
                                                      "the call's deadline has passed")));
    }
    Queue(std::move(request), std::move(responder), true);
  }

  void Take(http::Request request, std::unique_ptr<http::Responder> responder) {
    if (auth_) {
      const Outcome allowed = auth_->Authenticate(
          [&](std::string_view name) { return http::FindHeader(request.headers, name); });
      if (!allowed.ok()) {
        responder->Send(
            Refusal(401, allowed.message, {{"WWW-Authenticate", std::string(auth_->challenge())}}));
        return;
      }
    }
    if (request.path == "/wirespan/api/live") return live_->Serve(request, *responder);
    Queue(std::move(request), std::move(responder), false);
  }

  void Queue(http::Request request, std::unique_ptr<http::Responder> responder, bool grpc) {
    Job job{.request = std::move(request),
            .responder = std::move(responder),
            .gone = std::make_shared<std::atomic<bool>>(false),
            .grpc = grpc};
    job.responder->WhenGone([gone = job.gone] { *gone = true; });
    const std::shared_ptr<http::Responder> kept = job.responder;
    if (jobs_.TryPush(std::move(job))) return;
    constexpr const char* kTooMany = "too many queries at once";
    kept->Send(grpc ? GrpcFailure(Outcome::Retry(kTooMany))
                    : Refusal(503, kTooMany, {{"Retry-After", "1"}}));
  }

  void RunJobs() {
    while (!jobs_.finished()) {
      auto job = jobs_.PopFor(std::chrono::seconds(1));
      if (!job) continue;
      if (*job->gone || stopping_) continue;
      const std::function<bool()> gone = [&] { return job->gone->load() || stopping_.load(); };
      if (job->grpc) {
        job->responder->Send(v3_grpc_.Answer(job->request, gone));
      } else {
        answers_.Send(Answer(job->request, gone), *job->responder);
      }
    }
  }

  ApiAnswer Answer(const http::Request& request, std::function<bool()> stop) const {
    const std::string_view path = request.path;
    if (path.starts_with("/api/v3/")) return v3_api_.Answer(request, stop);
    if (path == "/api" || path.starts_with("/api/")) return api_.Answer(request, std::move(stop));
    if (path == "/wirespan" || path.starts_with("/wirespan/")) {
      return rates_api_.Answer(request, stop);
    }
    return AnswerStatic(request, StaticFiles());
  }

  const std::shared_ptr<store::TraceStore> store_;
  const std::shared_ptr<const store::CoverageTable> coverage_;
  const JaegerApi api_;
  const JaegerV3Api v3_api_{*store_};
  const JaegerV3Grpc v3_grpc_{*store_};
  const RatesApi rates_api_{*store_, coverage_.get()};
  const std::shared_ptr<LiveFeed> live_ = std::make_shared<LiveFeed>();
  const std::shared_ptr<const ServerAuthenticator> auth_;
  AnswerStreams answers_;
  BoundedQueue<Job> jobs_;
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> threads_{};
  std::unique_ptr<http::Server> server_{};
  std::unique_ptr<http::Server> grpc_server_{};
};

}  // namespace

Result<std::unique_ptr<QueryServer>> QueryServer::Start(
    const QueryOptions& options, std::shared_ptr<store::TraceStore> store,
    std::shared_ptr<const store::CoverageTable> coverage) {
  auto server = std::make_unique<ThreadedServer>(options, std::move(store), std::move(coverage));
  if (auto listening = server->Listen(options); !listening) {
    return tl::unexpected(listening.error());
  }
  return server;
}

}  // namespace wirespan::gateway::query
