#include "gateway/query/api_answer.h"

namespace wirespan::gateway::query {

http::Response Whole(ApiAnswer answer) {
  http::Response response = std::move(answer.response);
  while (answer.rest) {
    const Result<bool> more = answer.rest(response.body);
    if (!more) return {.status = 500, .body = more.error().message + "\n"};
    if (!*more) break;
  }
  return response;
}

}  // namespace wirespan::gateway::query
