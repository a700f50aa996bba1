#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "gateway/query/form.h"
#include "gateway/sink/store/query.h"

namespace wirespan::gateway::query {

// The parameters of /api/traces.
struct TraceParams {
  store::TraceQuery query{};
  std::vector<store::TraceId> ids{};  // not empty: these, whatever else is asked for
};

inline constexpr std::size_t kDefaultLimit = 100;  // Jaeger's
inline constexpr std::size_t kMaxLimit = 1500;     // traces of one answer
inline constexpr std::uint64_t kDefaultLookbackNs = 48ull * 3600 * 1000000000;  // without `start`

// Errors are for the client, in Jaeger's words.
Result<TraceParams> ReadTraceParams(const Form& form, std::uint64_t now_ns);

// What a client sent, fit for a message.
std::string QuotedForMessage(std::string_view text);

// `raw` changes nothing here, but it has to be a bool.
Result<> CheckRaw(const Form& form);

// Up to 32 hex digits.
Result<store::TraceId> ReadTraceId(std::string_view text);

// A count of `unit_ns` since 1970; the fallback if the parameter is not there.
Result<std::uint64_t> ReadTime(const Form& form, std::string_view name, std::uint64_t unit_ns,
                               std::uint64_t fallback_ns);

}  // namespace wirespan::gateway::query
