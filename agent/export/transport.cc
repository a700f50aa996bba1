#include "agent/export/transport.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/base/version.h"

namespace wirespan::exporting {
namespace {

// What both HTTP/1.1 and HTTP/2 carry: a token as name, visible ASCII and blanks as value. The
// value is never shown.
Result<> CheckHeaders(const std::map<std::string, std::string>& headers) {
  for (const auto& [name, value] : headers) {
    const bool good_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_' || c == '.';
    });
    if (!good_name || StartsWithIgnoreCase(name, "grpc-")) {
      return Fail(ErrorCode::kInvalidArgument,
                  "header \"" + ToUtf8(name) + "\" has a name that cannot be sent");
    }
    const bool good_value =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    if (!good_value) {
      return Fail(ErrorCode::kInvalidArgument,
                  "header \"" + name + "\" has a value that is not plain ASCII");
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> CreateTransport(otlp::Signal signal,
                                                   const SignalOptions& options,
                                                   const ExporterOptions& common,
                                                   const Clock& clock) {
  if (auto headers = CheckHeaders(options.headers); !headers)
    return tl::unexpected(std::move(headers.error()));
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "a client certificate and its key must be given together");
  }
  return options.protocol == OtlpProtocol::kGrpc
             ? CreateGrpcTransport(signal, options, common)
             : CreateHttpTransport(signal, options, common, clock);
}

std::string UserAgent() {
  return std::string("OTel-OTLP-Exporter-CPP/") + kVersion + " wirespan-agent/" + kVersion;
}

}  // namespace wirespan::exporting
