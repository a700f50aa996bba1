#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/export/exporter.h"
#include "common/base/result.h"
#include "common/otlp/compress.h"
#include "common/otlp/response.h"
#include "common/otlp/signal.h"

namespace wirespan::exporting {

// What became of one attempt.
struct Outcome {
  enum class Kind : unsigned char {
    kAccepted,  // acknowledged, but for partial.rejected items
    kRetry,     // may be sent again
    kRefused,   // must not be sent again
  };
  Kind kind = Kind::kRefused;
  std::string code{};     // "OK", "UNAVAILABLE", "503", "timeout": a label, from a bounded set
  std::string message{};  // for the log: what went wrong, short, no payload
  otlp::PartialSuccess partial{};
  // kRetry: the server asks to wait so long, with everything for this destination.
  std::optional<std::chrono::milliseconds> retry_after{};
};

// One way to one endpoint for one signal.
class Transport {
 public:
  virtual ~Transport() =
      default;  // cancels what is in flight; every `done` has been called when it returns

  // How the body must be compressed.
  virtual otlp::Encoding encoding() const = 0;
  // The endpoint, for logs: no credentials.
  virtual const std::string& name() const = 0;
  // Sends a request, which is shared and not copied where the protocol allows. Calls `done` exactly
  // once, on a thread of the transport's; it must not block. Thread-safe.
  virtual void Send(std::shared_ptr<const std::string> body, std::function<void(Outcome)> done) = 0;
};

// The error says which option is wrong (endpoint, a file, a header) and why.
Result<std::unique_ptr<Transport>> CreateTransport(otlp::Signal signal,
                                                   const SignalOptions& options,
                                                   const ExporterOptions& common,
                                                   const Clock& clock);
Result<std::unique_ptr<Transport>> CreateGrpcTransport(otlp::Signal signal,
                                                       const SignalOptions& options,
                                                       const ExporterOptions& common);
Result<std::unique_ptr<Transport>> CreateHttpTransport(otlp::Signal signal,
                                                       const SignalOptions& options,
                                                       const ExporterOptions& common,
                                                       const Clock& clock);

// "OTel-OTLP-Exporter-CPP/0.1.0 wirespan-agent/0.1.0"
std::string UserAgent();

}  // namespace wirespan::exporting
