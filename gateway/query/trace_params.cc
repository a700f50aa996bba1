#include "gateway/query/trace_params.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/strings.h"

namespace wirespan::gateway::query {

namespace {

tl::unexpected<Error> Refuse(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<std::uint64_t> ReadDuration(const Form& form, std::string_view name,
                                   std::uint64_t fallback_ns) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return fallback_ns;
  const auto duration = ParseGoDuration(text);
  if (!duration) {
    return Refuse(fmt::format("unable to parse param '{}': time: invalid duration {}", name,
                              QuotedForMessage(text)));
  }
  // Zero is no bound, as in Jaeger.
  return *duration == 0 ? fallback_ns : *duration;
}

Result<Tags> ReadTags(const Form& form) {
  Tags tags;
  for (const std::string_view tag : form.All("tag")) {
    const std::size_t colon = tag.find(':');
    if (colon == std::string_view::npos) {
      return Refuse("malformed 'tag' parameter, expecting key:value, received: " +
                    ToUtf8(TruncateUtf8(tag, 80)));
    }
    tags.emplace_back(tag.substr(0, colon), tag.substr(colon + 1));
  }
  for (const std::string_view json : form.All("tags")) {
    auto more = ParseTagsJson(json);
    if (!more) {
      return Refuse(
          "malformed 'tags' parameter, cannot unmarshal JSON: an object of texts is expected");
    }
    tags.insert(tags.end(), more->begin(), more->end());
  }
  return tags;
}

Result<std::size_t> ReadLimit(const Form& form) {
  const std::string_view text = form.Get("limit");
  if (text.empty()) return kDefaultLimit;
  const auto limit = ParseInt(text);
  if (!limit || *limit > std::numeric_limits<std::int32_t>::max()) {
    return Refuse(
        fmt::format("strconv.ParseInt: parsing {}: invalid syntax", QuotedForMessage(text)));
  }
  if (*limit <= 0) return Refuse("search depth must be greater than 0");
  return std::min(static_cast<std::size_t>(*limit), kMaxLimit);
}

}  // namespace

std::string QuotedForMessage(std::string_view text) {
  return fmt::format("\"{}\"", ToUtf8(TruncateUtf8(text, 80)));
}

Result<> CheckRaw(const Form& form) {
  const std::string_view raw = form.Get("raw");
  if (raw.empty() || IsGoBool(raw)) return {};
  return Refuse(
      fmt::format("unable to parse param 'raw': strconv.ParseBool: parsing {}: invalid syntax",
                  QuotedForMessage(raw)));
}

Result<std::uint64_t> ReadTime(const Form& form, std::string_view name, std::uint64_t unit_ns,
                               std::uint64_t fallback_ns) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return fallback_ns;
  const auto count = ParseInt(text);
  if (!count) {
    return Refuse(
        fmt::format("unable to parse param '{}': strconv.ParseInt: parsing {}: invalid syntax",
                    name, QuotedForMessage(text)));
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto since = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *count));
  return since > kMost / unit_ns ? kMost : since * unit_ns;
}

Result<store::TraceId> ReadTraceId(std::string_view text) {
  if (text.size() > 32) {
    return Refuse("TraceID cannot be longer than 32 hex characters: " +
                  ToUtf8(TruncateUtf8(text, 80)));
  }
  const std::size_t low_at = text.size() > 16 ? text.size() - 16 : 0;
  const auto low = ParseHex(text.substr(low_at));
  const auto high =
      low_at == 0 ? std::optional<std::uint64_t>(0) : ParseHex(text.substr(0, low_at));
  if (!low || !high) {
    return Refuse(
        fmt::format("strconv.ParseUint: parsing {}: invalid syntax", QuotedForMessage(text)));
  }
  return store::TraceId{*high, *low};
}

Result<TraceParams> ReadTraceParams(const Form& form, std::uint64_t now_ns) {
  TraceParams params;
  store::TraceQuery& query = params.query;
  query.service = form.Get("service");
  query.operation = form.Get("operation");
  auto start = ReadTime(form, "start", 1000, now_ns - std::min(now_ns, kDefaultLookbackNs));
  if (!start) return tl::unexpected(start.error());
  auto end = ReadTime(form, "end", 1000, now_ns);
  if (!end) return tl::unexpected(end.error());
  query.start_min_ns = *start;
  query.start_max_ns = *end;
  auto tags = ReadTags(form);
  if (!tags) return tl::unexpected(tags.error());
  query.tags = std::move(*tags);
  auto limit = ReadLimit(form);
  if (!limit) return tl::unexpected(limit.error());
  query.limit = *limit;
  auto least = ReadDuration(form, "minDuration", 0);
  if (!least) return tl::unexpected(least.error());
  auto most = ReadDuration(form, "maxDuration", std::numeric_limits<std::uint64_t>::max());
  if (!most) return tl::unexpected(most.error());
  query.duration_min_ns = *least;
  query.duration_max_ns = *most;
  for (const std::string_view text : form.All("traceID")) {
    auto id = ReadTraceId(text);
    if (!id) return Wrap("cannot parse traceID param", std::move(id.error()));
    params.ids.push_back(*id);
  }
  if (auto raw = CheckRaw(form); !raw) return tl::unexpected(raw.error());
  if (params.ids.size() > kMaxLimit) {
    return Refuse(fmt::format("at most {} traces can be asked for at once", kMaxLimit));
  }
  if (params.ids.empty() && query.service.empty()) return Refuse("parameter 'service' is required");
  if (*most < *least) return Refuse("'maxDuration' should be greater than 'minDuration'");
  return params;
}

}  // namespace wirespan::gateway::query
