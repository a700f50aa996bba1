#include "agent/export/options_env.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/http/proxy.h"
#include "common/http/url.h"

namespace wirespan::exporting {
namespace {

constexpr std::string_view kPrefix = "OTEL_EXPORTER_OTLP_";

struct Variable {
  std::string name{};
  std::string value{};
  bool own = false;  // of the signal, not the general one
};

class Reader {
 public:
  Reader(const Environment& environment, otlp::Signal signal)
      : environment_(environment),
        own_(std::string(kPrefix) + AsciiUpper(otlp::SignalName(signal)) + "_") {}

  std::optional<Variable> Find(std::string_view what) const {
    for (const bool own : {true, false}) {
      std::string name = (own ? own_ : std::string(kPrefix)) + std::string(what);
      auto value = environment_(name);
      if (value && !TrimAscii(*value).empty())
        return Variable{std::move(name), std::string(TrimAscii(*value)), own};
    }
    return std::nullopt;
  }

 private:
  const Environment& environment_;
  std::string own_;
};

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

Result<bool> ParseBool(std::string_view text) {
  if (EqualsIgnoreCase(text, "true")) return true;
  if (EqualsIgnoreCase(text, "false")) return false;
  return Fail(ErrorCode::kInvalidArgument, "must be true or false");
}

Result<std::chrono::milliseconds> ParseTimeout(std::string_view text) {
  const auto ms = ParseUint(text);
  if (!ms || *ms > 86'400'000)
    return Fail(ErrorCode::kInvalidArgument, "must be milliseconds, as in 10000");
  // Zero means no limit; a day is one.
  return std::chrono::milliseconds(*ms == 0 ? 86'400'000 : *ms);
}

// Sets `target` by `parse` if the variable is there.
template <class T, class Parse>
Result<> Apply(const Reader& reader, std::string_view what, T& target, Parse parse) {
  const auto variable = reader.Find(what);
  if (!variable) return {};
  auto parsed = parse(variable->value);
  if (!parsed) return Wrap(variable->name, std::move(parsed.error()));
  target = std::move(*parsed);
  return {};
}

Result<std::string> AsIs(std::string_view text) { return std::string(text); }

Result<> ApplyEndpoint(const Reader& reader, otlp::Signal signal, SignalOptions& options) {
  const auto variable = reader.Find("ENDPOINT");
  if (!variable) return {};
  if (options.protocol == OtlpProtocol::kHttpProtobuf) {
    if (auto url = http::ParseUrl(variable->value); !url)
      return Wrap(variable->name, std::move(url.error()));
  }
  options.endpoint =
      variable->own ? variable->value : SignalEndpoint(variable->value, options.protocol, signal);
  return {};
}

Result<> ApplySignal(const Environment& environment, otlp::Signal signal, SignalOptions& options) {
  const Reader reader(environment, signal);
  Result<> result;
  // The protocol first: it says what an endpoint means.
  if (result) result = Apply(reader, "PROTOCOL", options.protocol, ParseProtocol);
  if (result) result = ApplyEndpoint(reader, signal, options);
  if (result) result = Apply(reader, "HEADERS", options.headers, ParseHeaders);
  if (result) result = Apply(reader, "COMPRESSION", options.compression, ParseCompression);
  if (result) result = Apply(reader, "TIMEOUT", options.timeout, ParseTimeout);
  if (result) result = Apply(reader, "CERTIFICATE", options.ca_file, AsIs);
  if (result) result = Apply(reader, "CLIENT_KEY", options.key_file, AsIs);
  if (result) result = Apply(reader, "CLIENT_CERTIFICATE", options.certificate_file, AsIs);
  if (result) result = Apply(reader, "INSECURE", options.insecure, ParseBool);
  if (result && options.endpoint.empty()) {
    const bool grpc = options.protocol == OtlpProtocol::kGrpc;
    options.endpoint = SignalEndpoint(grpc ? "http://localhost:4317" : "http://localhost:4318",
                                      options.protocol, signal);
  }
  return result;
}

Result<> ApplyExporterName(const Environment& environment, const std::string& name, bool& enabled) {
  const auto value = environment(name);
  if (!value || TrimAscii(*value).empty()) return {};
  bool otlp = false;
  for (const std::string_view part : SplitList(*value)) {
    if (part == "otlp") {
      otlp = true;
    } else if (part != "none" && !(part == "prometheus" && name == "OTEL_METRICS_EXPORTER")) {
      return Fail(ErrorCode::kInvalidArgument,
                  name + ": \"" + ToUtf8(part) + "\" is not available, use otlp or none");
    }
  }
  enabled = otlp;
  return {};
}

Result<std::optional<std::uint64_t>> Number(const Environment& environment,
                                            const std::string& name) {
  const auto value = environment(name);
  if (!value || TrimAscii(*value).empty()) return std::nullopt;
  const auto number = ParseUint(TrimAscii(*value));
  if (!number || *number > 86'400'000)
    return Fail(ErrorCode::kInvalidArgument, name + ": must be a whole number");
  return number;
}

Result<> ApplyBatch(const Environment& environment, ExporterOptions& options) {
  auto delay = Number(environment, "OTEL_BSP_SCHEDULE_DELAY");
  if (!delay) return tl::unexpected(std::move(delay.error()));
  if (*delay) options.batch_delay = std::chrono::milliseconds(**delay);
  auto size = Number(environment, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
  if (!size) return tl::unexpected(std::move(size.error()));
  if (*size) options.batch_spans = std::max<std::uint64_t>(**size, 1);
  return {};
}

void ApplyProxy(const Environment& environment, ExporterOptions& options) {
  std::string held;
  const auto settings = http::ProxyFromEnvironment([&](const char* name) -> const char* {
    const auto value = environment(name);
    if (!value) return nullptr;
    held = *value;
    return held.c_str();
  });
  if (!settings.https_proxy.empty()) options.proxy = settings.https_proxy;
  if (!settings.http_proxy.empty()) options.http_proxy = settings.http_proxy;
  if (!settings.no_proxy.empty()) options.no_proxy = settings.no_proxy;
}

}  // namespace

Result<ExporterOptions> MergeEnvironment(ExporterOptions options, const Environment& environment) {
  Result<> result = ApplySignal(environment, otlp::Signal::kTraces, options.traces);
  if (result) result = ApplySignal(environment, otlp::Signal::kMetrics, options.metrics);
  if (result)
    result = ApplyExporterName(environment, "OTEL_TRACES_EXPORTER", options.traces.enabled);
  if (result)
    result = ApplyExporterName(environment, "OTEL_METRICS_EXPORTER", options.metrics.enabled);
  if (result) result = ApplyBatch(environment, options);
  if (!result) return tl::unexpected(std::move(result.error()));
  ApplyProxy(environment, options);
  return options;
}

std::string SignalEndpoint(std::string_view base, OtlpProtocol protocol, otlp::Signal signal) {
  if (protocol == OtlpProtocol::kGrpc) return std::string(base);
  std::string_view query;
  if (const std::size_t at = base.find('?'); at != std::string_view::npos) {
    query = base.substr(at);
    base = base.substr(0, at);
  }
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(otlp::HttpPath(signal)) + std::string(query);
}

Result<OtlpProtocol> ParseProtocol(std::string_view text) {
  if (text == "grpc") return OtlpProtocol::kGrpc;
  if (text == "http/protobuf") return OtlpProtocol::kHttpProtobuf;
  if (text == "http/json")
    return Fail(ErrorCode::kUnsupported, "http/json is not available, use http/protobuf or grpc");
  return Fail(ErrorCode::kInvalidArgument,
              "\"" + ToUtf8(text) + "\" is none of grpc, http/protobuf");
}

Result<Compression> ParseCompression(std::string_view text) {
  if (text == "none") return Compression::kNone;
  if (text == "gzip") return Compression::kGzip;
  if (text == "zstd") return Compression::kZstd;
  return Fail(ErrorCode::kInvalidArgument, "\"" + ToUtf8(text) + "\" is none of none, gzip, zstd");
}

Result<std::map<std::string, std::string>> ParseHeaders(std::string_view text) {
  std::map<std::string, std::string> headers;
  for (const std::string_view part : SplitList(text)) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || TrimAscii(part.substr(0, equals)).empty()) {
      return Fail(ErrorCode::kInvalidArgument, "must be a list like key=value,key=value");
    }
    auto key = PercentDecode(TrimAscii(part.substr(0, equals)));
    auto value = PercentDecode(TrimAscii(part.substr(equals + 1)));
    if (!key || !value) return Fail(ErrorCode::kInvalidArgument, "has a bad %-escape");
    headers[std::move(*key)] = std::move(*value);
  }
  return headers;
}

}  // namespace wirespan::exporting
