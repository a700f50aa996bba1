#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/http/server.h"

namespace wirespan::gateway::query {

// An answer whose body comes into being while it is sent.
struct ApiAnswer {
  ApiAnswer(http::Response all) : response(std::move(all)) {}  // implicit: most answers are whole

  http::Response response;  // its body: the beginning
  // Appends some more of the body, 64 KiB or so; false: that was the last. An error: the answer can
  // not be completed, and the client must see that it is not. Null: `response` is all. Called by
  // one thread at a time; owns what it needs but the API's store.
  std::function<Result<bool>(std::string& out)> rest{};
};

// The answer as one; an error in the middle of it is a 500.
http::Response Whole(ApiAnswer answer);

}  // namespace wirespan::gateway::query
