#include "gateway/query/api_params.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/strings.h"
#include "gateway/query/trace_params.h"
#include "gateway/sink/store/tags.h"

namespace wirespan::gateway::query {

namespace {

constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint64_t kHourNs = 3600 * kNsPerS;
constexpr std::uint64_t kMaxKind = 5;

}  // namespace

Result<TimeRange> ReadTimeRange(const Form& form, std::uint64_t now_ns) {
  auto end_ns = ReadTime(form, "end", 1000, now_ns);
  if (!end_ns) return tl::unexpected(end_ns.error());
  auto start_ns = ReadTime(form, "start", 1000, *end_ns - std::min(*end_ns, kHourNs));
  if (!start_ns) return tl::unexpected(start_ns.error());
  if (*start_ns > *end_ns) {
    return Fail(ErrorCode::kInvalidArgument, "'end' should not be before 'start'");
  }
  const std::uint64_t last_ns = std::max(*start_ns, *end_ns - std::min<std::uint64_t>(*end_ns, 1));
  return TimeRange{.first_s = *start_ns / kNsPerS, .last_s = last_ns / kNsPerS};
}

Result<std::size_t> ReadResultLimit(const Form& form) {
  const std::string_view text = form.Get("limit");
  if (text.empty()) return kMostResults;
  const auto limit = ParseUint(text);
  if (!limit || *limit == 0) {
    return Fail(ErrorCode::kInvalidArgument, "'limit' should be a number greater than 0");
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(*limit, kMostResults));
}

std::string_view NameOfKind(std::uint64_t kind) {
  const std::string_view name = store::KindName(kind);
  return name.empty() ? "unspecified" : name;
}

Result<std::uint64_t> ReadKind(std::string_view text) {
  for (std::uint64_t kind = 0; kind <= kMaxKind; ++kind) {
    if (text == NameOfKind(kind)) return kind;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "'kind' should be server, client, producer, consumer, internal or unspecified");
}

Result<bool> ReadFlag(const Form& form, std::string_view name) {
  const std::string_view text = form.Get(name);
  if (text == "true") return true;
  if (text.empty() || text == "false") return false;
  return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' should be true or false", name));
}

}  // namespace wirespan::gateway::query
