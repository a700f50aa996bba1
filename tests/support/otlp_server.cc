#include "tests/support/otlp_server.h"

#include "common/otlp/walk.h"

namespace wirespan::testing {

std::unique_ptr<OtlpServer> OtlpServer::Start(const Options& options, Script script) {
  return options.kind == Kind::kGrpc ? StartGrpcOtlpServer(options, std::move(script))
                                     : StartHttpOtlpServer(options, std::move(script));
}

std::string OtlpServer::endpoint(otlp::Signal signal) const {
  const std::string base = "http://127.0.0.1:" + std::to_string(port());
  return kind_ == Kind::kGrpc ? base : base + std::string(otlp::HttpPath(signal));
}

std::vector<OtlpRequest> OtlpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t OtlpServer::items(otlp::Signal signal) const {
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(signal);
  return found == items_.end() ? 0 : found->second;
}

bool OtlpServer::WaitForRequests(std::size_t count, std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, deadline, [&] { return requests_.size() >= count; });
}

OtlpReply OtlpServer::Take(OtlpRequest request) {
  request.at = std::chrono::steady_clock::now();
  if (request.path.find("etrics") != std::string::npos) request.signal = otlp::Signal::kMetrics;
  if (request.path.find("ogs") != std::string::npos) request.signal = otlp::Signal::kLogs;
  std::size_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    index = requests_.size();
    requests_.push_back(request);
  }
  OtlpReply reply = script_ ? script_(request, index) : OtlpReply{};
  {
    const std::lock_guard lock(mutex_);
    const bool ok = !reply.reset && (reply.code == 0 || reply.code == 200);
    if (ok) items_[request.signal] += otlp::Walk(request.signal, request.body).items;
  }
  arrived_.notify_all();
  return reply;
}

}  // namespace wirespan::testing
