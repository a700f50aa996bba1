#include "tests/unit/common/kube_fleet/fleet_server.h"

#include <algorithm>
#include <cstdlib>

namespace wirespan::kube::testing {

FleetServer::FleetServer() {
  http::ServerOptions options;
  options.max_connections = 4096;
  auto server = http::Server::Start(
      std::move(options), [this](http::Request request, std::unique_ptr<http::Responder> to) {
        Serve(std::move(request), std::move(to));
      });
  if (!server) std::abort();
  server_ = std::move(*server);
}

FleetServer::~FleetServer() {
  BreakAll();
  server_.reset();
}

std::string FleetServer::url() const {
  return "http://127.0.0.1:" + std::to_string(server_->port());
}

void FleetServer::Serve(http::Request request, std::unique_ptr<http::Responder> responder) {
  const std::lock_guard lock(mutex_);
  const std::size_t at = request.query.find("nodeName%3D");
  const std::string rest = at == std::string::npos ? "" : request.query.substr(at + 11);
  asked_.push_back({.at = Clock::now(), .node = rest.substr(0, rest.find('&'))});
  if (away_) {
    ++counts_.refused;
    return responder->Send({.status = 503});
  }
  if (!token_.empty() && http::FindHeader(request.headers, "Authorization") != "Bearer " + token_) {
    ++counts_.refused;
    return responder->Send({.status = 401});
  }
  if (request.query.find("watch=1") != std::string::npos) {
    ++counts_.watches;
    watches_.push_back(responder->StartStream({.headers = {{"Content-Type", "application/json"}}}));
    return;
  }
  ++counts_.lists;
  if (request.query.find("resourceVersion=0") == std::string::npos) ++counts_.lists_of_now;
  responder->Send({.body = R"({"kind":"PodList","metadata":{"resourceVersion":"50"},"items":[]})"});
}

FleetServer::Counts FleetServer::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::size_t FleetServer::open_watches() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(watches_.begin(), watches_.end(),
                    [](const auto& watch) { return watch != nullptr && !watch->gone(); }));
}

std::vector<FleetServer::Clock::time_point> FleetServer::TimesSince(Clock::time_point since) const {
  const std::lock_guard lock(mutex_);
  std::vector<Clock::time_point> times;
  for (const Asked& asked : asked_) {
    if (asked.at >= since) times.push_back(asked.at);
  }
  return times;
}

std::size_t FleetServer::NodesOver(int most, Clock::time_point since) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, int> times;
  for (const Asked& asked : asked_) {
    if (asked.at >= since) ++times[asked.node];
  }
  return static_cast<std::size_t>(std::count_if(
      times.begin(), times.end(), [&](const auto& one) { return one.second > most; }));
}

void FleetServer::SetToken(std::string token) {
  const std::lock_guard lock(mutex_);
  token_ = std::move(token);
}

void FleetServer::SetAway(bool away) {
  const std::lock_guard lock(mutex_);
  away_ = away;
}

void FleetServer::TellAll(const std::string& piece) {
  const std::lock_guard lock(mutex_);
  for (const auto& watch : watches_) {
    if (watch != nullptr) static_cast<void>(watch->Write(piece));
  }
}

void FleetServer::BreakAll() {
  const std::lock_guard lock(mutex_);
  watches_.clear();
}

void FleetServer::EndAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& watch : watches_) {
    if (watch != nullptr) watch->Finish();
  }
  watches_.clear();
}

}  // namespace wirespan::kube::testing
