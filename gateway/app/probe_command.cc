#include "gateway/app/probe_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <random>
#include <thread>

#include "gateway/app/run.h"

namespace wirespan::gateway {
namespace {

// OTLP's JSON: 64-bit numbers are texts, ids are hex digits.
std::string OneSpan() {
  std::random_device random;
  std::string ids;
  for (int word = 0; word < 6; ++word) ids += fmt::format("{:08x}", random() | 1u);  // never zero
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return fmt::format(
      R"({{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"wirespan-probe"}}}}]}},)"
      R"("scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"{}","name":"probe","kind":1,)"
      R"("startTimeUnixNano":"{}","endTimeUnixNano":"{}"}}]}}]}}]}})",
      ids.substr(0, 32), ids.substr(32), now, now + 1);
}

Result<http::Response> Ask(http::Client& client, const http::ClientRequest& request) {
  std::promise<Result<http::Response>> answered;
  client.Send(request, [&](Result<http::Response> response) { answered.set_value(response); });
  return answered.get_future().get();
}

// HTTP says 200 for a request of which OTLP took only a part.
bool Taken(const http::Response& response, bool span) {
  return response.status >= 200 && response.status < 300 &&
         !(span && response.body.find("partialSuccess") != std::string::npos);
}

}  // namespace

int Probe(const ProbeOptions& options) {
  http::ClientRequest request{.method = "GET", .url = options.url};
  for (const std::string& header : options.headers) {
    const std::size_t equals = header.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "wirespan-gateway: --header {}: NAME=VALUE is expected\n", header);
      return kExitUsage;
    }
    request.headers.emplace_back(header.substr(0, equals), header.substr(equals + 1));
  }
  if (options.span) {
    request.method = "POST";
    while (request.url.ends_with('/')) request.url.pop_back();
    request.url += "/v1/traces";
    request.headers.emplace_back("content-type", "application/json");
    request.body = OneSpan();
  }
  http::ClientOptions client_options;
  client_options.tls = options.tls;
  if (const auto usable = http::Client::Check(client_options); !usable) {
    fmt::print(stderr, "wirespan-gateway: {}\n", usable.error().message);
    return kExitUsage;
  }
  const auto client = http::Client::Create(client_options);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(options.retry_seconds);
  for (;;) {
    const auto response = Ask(*client, request);
    const bool taken = response && Taken(*response, options.span);
    if (taken || std::chrono::steady_clock::now() >= deadline) {
      const std::string said = response ? fmt::format("{} {}", response->status, response->body)
                                        : response.error().message;
      fmt::print(taken ? stdout : stderr, "{}: {}\n", request.url, said);
      return taken ? kExitOk : kExitFailed;
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace wirespan::gateway
