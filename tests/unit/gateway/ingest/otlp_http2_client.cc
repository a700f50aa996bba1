#include "common/base/strings.h"
#include "tests/support/http2_client.h"
#include "tests/unit/gateway/ingest/otlp_client.h"

namespace wirespan::gateway::testing {

HttpAnswer Http2Send(std::uint16_t port, std::string_view method, std::string_view path,
                     const std::vector<std::string>& headers, std::string_view body) {
  wirespan::testing::Http2Client::Fields fields;
  for (const std::string_view line : headers) {
    const std::size_t colon = line.find(':');
    const std::string name = AsciiLower(line.substr(0, colon));
    // HTTP/2 has frames instead, and says no length here either.
    if (name == "transfer-encoding") continue;
    fields.emplace_back(name, TrimAscii(line.substr(colon + 1)));
  }
  wirespan::testing::Http2Client client(port);
  const auto answer = client.Exchange(method, path, fields, std::string(body));
  HttpAnswer same{.status = answer.status, .body = answer.body};
  for (const auto& field : answer.headers) same.headers.push_back(field);
  return same;
}

}  // namespace wirespan::gateway::testing
