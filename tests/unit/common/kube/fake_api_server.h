#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/http/server.h"

namespace wirespan::kube::testing {

// Stands for an API server, as well or badly behaved as a test wants it. Thread-safe.
class FakeApiServer {
 public:
  explicit FakeApiServer(std::optional<http::TlsServerOptions> tls = {});
  ~FakeApiServer();

  std::string url() const;

  // The answer of every list from now on.
  void SetList(std::string body, int status = 200);
  // What the next requests are answered with, first come first served, before all else.
  void AnswerNext(int status, std::string body, http::Headers headers = {});
  // Only this token is let in; empty: everybody.
  void SetToken(std::string token);
  // The body of a list that is not answered until Release.
  void HoldLists(bool hold);

  // To the watch that is open; false if there is none.
  bool Tell(std::string piece);
  void EndWatch();    // as a server does when the time is over
  void BreakWatch();  // as a network does

  int lists() const;
  int watches() const;
  bool watched() const;
  std::string last_query() const;  // of a list or watch

 private:
  void Serve(http::Request request, std::unique_ptr<http::Responder> responder);

  struct Answer {
    int status = 200;
    std::string body{};
    http::Headers headers{};
  };
  mutable std::mutex mutex_;  // guards all below
  Answer list_{};
  std::vector<Answer> next_{};
  std::string token_{};
  bool hold_ = false;
  std::vector<std::unique_ptr<http::Responder>> held_{};
  std::unique_ptr<http::BodyStream> watch_{};
  int lists_ = 0;
  int watches_ = 0;
  std::string last_query_{};
  bool tls_ = false;
  std::unique_ptr<http::Server> server_{};
};

}  // namespace wirespan::kube::testing
