#include "gateway/query/jaeger_v3_messages.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "common/otlp/wire.h"
#include "gateway/query/trace_params.h"
#include "gateway/sink/store/tags.h"

namespace wirespan::gateway::query {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

constexpr std::uint64_t kNsPerS = 1'000'000'000;

tl::unexpected<Error> NoMessage() {
  return Fail(ErrorCode::kInvalidArgument, "the request is no protobuf message");
}

// google.protobuf.Timestamp and Duration: 1 seconds, 2 nanos. What is before zero is zero; what
// does not fit is the latest time that does.
std::optional<std::uint64_t> ReadNs(std::string_view message) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kVarint)) seconds = static_cast<std::int64_t>(field.value);
    if (field.Is(2, WireType::kVarint)) nanos = static_cast<std::int64_t>(field.value);
  }
  if (!reader.ok()) return std::nullopt;
  if (seconds < 0 || nanos < 0) return 0;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (static_cast<std::uint64_t>(seconds) >= kMost / kNsPerS) return kMost;
  return static_cast<std::uint64_t>(seconds) * kNsPerS +
         std::min(static_cast<std::uint64_t>(nanos), kNsPerS - 1);
}

std::optional<std::pair<std::string, std::string>> ReadAttribute(std::string_view entry) {
  std::pair<std::string, std::string> attribute;
  Reader reader(entry);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) attribute.first = field.bytes;
    if (field.Is(2, WireType::kBytes)) attribute.second = field.bytes;
  }
  if (!reader.ok()) return std::nullopt;
  return attribute;
}

// As they stand in TraceQueryParameters; a time that is not there is nullopt.
struct Parameters {
  store::TraceQuery query{};
  std::optional<std::uint64_t> start_ns{};
  std::optional<std::uint64_t> end_ns{};
  std::int64_t depth = 0;
};

// False: malformed.
bool ReadParameter(const Field& field, Parameters& out) {
  if (field.Is(8, WireType::kVarint)) out.depth = static_cast<std::int64_t>(field.value);
  if (field.type != WireType::kBytes) return true;
  if (field.number == 1) out.query.service = field.bytes;
  if (field.number == 2) out.query.operation = field.bytes;
  if (field.number == 3) {
    auto attribute = ReadAttribute(field.bytes);
    if (!attribute) return false;
    out.query.tags.push_back(std::move(*attribute));
  }
  if (field.number < 4 || field.number > 7) return true;
  const auto ns = ReadNs(field.bytes);
  if (!ns) return false;
  if (field.number == 4) out.start_ns = ns;
  if (field.number == 5) out.end_ns = ns;
  // Zero is no bound.
  if (field.number == 6) out.query.duration_min_ns = *ns;
  if (field.number == 7 && *ns > 0) out.query.duration_max_ns = *ns;
  return true;
}

}  // namespace

Result<store::TraceId> ReadGetTrace(std::string_view message) {
  std::string_view text;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) text = field.bytes;
  }
  if (!reader.ok()) return NoMessage();
  auto id = ReadTraceId(text);
  if (!id) return Wrap("malform trace ID", std::move(id.error()));  // Jaeger's words
  return id;
}

Result<store::TraceQuery> ReadFindTraces(std::string_view message) {
  std::optional<std::string_view> query;
  Reader outer(message);
  for (Field field; outer.Next(field);) {
    if (field.Is(1, WireType::kBytes)) query = field.bytes;
  }
  if (!outer.ok()) return NoMessage();
  if (!query) return Fail(ErrorCode::kInvalidArgument, "missing query");
  Parameters parameters;
  Reader reader(*query);
  for (Field field; reader.Next(field);) {
    if (!ReadParameter(field, parameters)) return NoMessage();
  }
  if (!reader.ok()) return NoMessage();
  if (!parameters.start_ns || !parameters.end_ns) {
    return Fail(ErrorCode::kInvalidArgument, "start time min and max are required parameters");
  }
  if (parameters.depth < 0) {
    return Fail(ErrorCode::kInvalidArgument, "search depth must not be negative");
  }
  parameters.query.start_min_ns = *parameters.start_ns;
  parameters.query.start_max_ns = *parameters.end_ns;
  // Zero is Jaeger's "as many as you like".
  parameters.query.limit = parameters.depth == 0
                               ? kDefaultLimit
                               : std::min(static_cast<std::size_t>(parameters.depth), kMaxLimit);
  return std::move(parameters.query);
}

Result<OperationsRequest> ReadGetOperations(std::string_view message) {
  OperationsRequest request;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) request.service = field.bytes;
    if (field.Is(2, WireType::kBytes)) request.span_kind = field.bytes;
  }
  if (!reader.ok()) return NoMessage();
  return request;
}

std::string EncodeServices(const std::vector<std::string>& services) {
  std::string out;
  for (const std::string& service : services) otlp::AppendBytesField(out, 1, service);
  return out;
}

std::string EncodeOperations(const std::vector<store::Operation>& operations,
                             std::string_view span_kind) {
  std::string out;
  for (const store::Operation& operation : operations) {
    const std::string_view kind = store::KindName(operation.kind);
    if (!span_kind.empty() && span_kind != kind) continue;
    std::string one;
    otlp::AppendBytesField(one, 1, operation.name);
    if (!kind.empty()) otlp::AppendBytesField(one, 2, kind);
    otlp::AppendBytesField(out, 1, one);
  }
  return out;
}

std::vector<std::string_view> SplitTrace(std::string_view spans, std::size_t bytes) {
  std::vector<std::string_view> messages;
  std::size_t begin = 0;
  std::size_t end = 0;
  Reader reader(spans);
  for (Field field; reader.Next(field);) {
    if (end > begin && end - begin + field.encoded.size() > bytes) {
      messages.push_back(spans.substr(begin, end - begin));
      begin = end;
    }
    end += field.encoded.size();
  }
  if (end > begin) messages.push_back(spans.substr(begin, end - begin));
  return messages;
}

}  // namespace wirespan::gateway::query
