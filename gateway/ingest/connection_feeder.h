#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "common/base/result.h"
#include "common/base/wait.h"
#include "common/http/listen.h"

namespace wirespan::gateway {

// Accepts connections from a listening socket on a thread of its own and hands them over.
class ConnectionFeeder {
 public:
  // `take` owns the descriptor that it is given: non-blocking, without Nagle's delay.
  static Result<std::unique_ptr<ConnectionFeeder>> Start(
      std::shared_ptr<const http::Listening> socket, std::function<void(int fd)> take);
  ~ConnectionFeeder() { Stop(); }

  // No call of `take` happens after it has returned. What nobody accepted stays in the socket, for
  // whoever accepts from it next. Idempotent.
  void Stop();

 private:
  ConnectionFeeder(std::shared_ptr<const http::Listening> socket, Wakeup wakeup,
                   std::function<void(int fd)> take);
  void Run(const std::stop_token& stop);

  const std::shared_ptr<const http::Listening> socket_;
  const Wakeup wakeup_;
  const std::function<void(int fd)> take_;
  std::jthread thread_;
};

}  // namespace wirespan::gateway
