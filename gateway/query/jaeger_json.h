#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sink/span_view.h"
#include "gateway/sink/store/catalog.h"
#include "gateway/sink/store/trace_set.h"

// Jaeger's JSON (its UI's model): what /api/traces and the others answer.
namespace wirespan::gateway::query {

// One trace, piece by piece: {"traceID":...,"spans":[...],"processes":{...},"warnings":null}.
class TraceJson {
 public:
  explicit TraceJson(store::FoundTrace trace);
  TraceJson(TraceJson&&) = delete;  // it reads its own trace

  // Appends until `out` has so many bytes or a span more; false: all of the trace is written.
  bool Append(std::string& out, std::size_t bytes);

 private:
  std::size_t ProcessOfSpan();

  const store::FoundTrace trace_;
  SpanCursor spans_;
  bool begun_ = false;
  std::map<std::string, std::size_t> processes_{};  // JSON -> number
  std::uint64_t group_ = 0;                         // of which `process_` is the number
  std::size_t process_ = 0;
};

// As Jaeger writes it: 16 digits if the upper half is zero, else 32.
std::string TraceIdText(const store::TraceId& id);

// {"data":<data>,"total":n,"limit":0,"offset":0,"errors":<errors>}
struct ApiError {
  int code = 0;  // 0: left out
  std::string message{};
  std::string trace_id{};  // empty: left out
};
std::string Envelope(std::string_view data, std::size_t total,
                     const std::vector<ApiError>& errors = {});
// What of it comes before the data, and after.
inline constexpr std::string_view kEnvelopeBegin = R"({"data":)";
std::string EnvelopeEnd(std::size_t total, const std::vector<ApiError>& errors);

}  // namespace wirespan::gateway::query
