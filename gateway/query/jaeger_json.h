#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/sink/store/catalog.h"
#include "gateway/sink/store/trace_set.h"

// Jaeger's JSON (its UI's model): what /api/traces and the others answer.
namespace wirespan::gateway::query {

// One trace: {"traceID":...,"spans":[...],"processes":{...},"warnings":null}.
void AppendTrace(std::string& out, const store::FoundTrace& trace);

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

}  // namespace wirespan::gateway::query
