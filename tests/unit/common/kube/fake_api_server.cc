#include "tests/unit/common/kube/fake_api_server.h"

#include <cstdlib>

namespace wirespan::kube::testing {

FakeApiServer::FakeApiServer(std::optional<http::TlsServerOptions> tls) : tls_(tls.has_value()) {
  auto server = http::Server::Start(
      {.tls = std::move(tls)}, [this](http::Request request, std::unique_ptr<http::Responder> to) {
        Serve(std::move(request), std::move(to));
      });
  if (!server) std::abort();
  server_ = std::move(*server);
}

FakeApiServer::~FakeApiServer() { server_.reset(); }

std::string FakeApiServer::url() const {
  return std::string(tls_ ? "https" : "http") + "://127.0.0.1:" + std::to_string(server_->port());
}

void FakeApiServer::Serve(http::Request request, std::unique_ptr<http::Responder> responder) {
  const std::lock_guard lock(mutex_);
  const bool watch = request.query.find("watch=1") != std::string::npos;
  ++(watch ? watches_ : lists_);
  last_query_ = request.query;
  if (request.method != "GET" || request.path != "/api/v1/pods")
    return responder->Send({.status = 405});
  if (!token_.empty() && http::FindHeader(request.headers, "Authorization") != "Bearer " + token_) {
    return responder->Send(
        {.status = 401, .body = R"({"kind":"Status","message":"Unauthorized"})"});
  }
  if (!next_.empty()) {
    Answer answer = std::move(next_.front());
    next_.erase(next_.begin());
    return responder->Send({.status = answer.status,
                            .headers = std::move(answer.headers),
                            .body = std::move(answer.body)});
  }
  if (watch) {
    watch_ = responder->StartStream({.headers = {{"Content-Type", "application/json"}}});
    return;
  }
  if (hold_) return held_.push_back(std::move(responder));
  responder->Send({.status = list_.status, .body = list_.body});
}

void FakeApiServer::SetList(std::string body, int status) {
  const std::lock_guard lock(mutex_);
  list_ = {.status = status, .body = std::move(body)};
}

void FakeApiServer::AnswerNext(int status, std::string body, http::Headers headers) {
  const std::lock_guard lock(mutex_);
  next_.push_back({.status = status, .body = std::move(body), .headers = std::move(headers)});
}

void FakeApiServer::SetToken(std::string token) {
  const std::lock_guard lock(mutex_);
  token_ = std::move(token);
}

void FakeApiServer::HoldLists(bool hold) {
  const std::lock_guard lock(mutex_);
  hold_ = hold;
  if (hold) return;
  for (auto& responder : held_) responder->Send({.status = list_.status, .body = list_.body});
  held_.clear();
}

bool FakeApiServer::Tell(std::string piece) {
  const std::lock_guard lock(mutex_);
  return watch_ != nullptr && !watch_->gone() && watch_->Write(std::move(piece));
}

void FakeApiServer::EndWatch() {
  const std::lock_guard lock(mutex_);
  if (watch_ != nullptr) watch_->Finish();
  watch_.reset();
}

void FakeApiServer::BreakWatch() {
  const std::lock_guard lock(mutex_);
  watch_.reset();
}

int FakeApiServer::lists() const {
  const std::lock_guard lock(mutex_);
  return lists_;
}

int FakeApiServer::watches() const {
  const std::lock_guard lock(mutex_);
  return watches_;
}

bool FakeApiServer::watched() const {
  const std::lock_guard lock(mutex_);
  return watch_ != nullptr && !watch_->gone();
}

std::string FakeApiServer::last_query() const {
  const std::lock_guard lock(mutex_);
  return last_query_;
}

}  // namespace wirespan::kube::testing
