#pragma once

#include <string>
#include <vector>

#include "common/http/client.h"

namespace wirespan::gateway {

struct ProbeOptions {
  std::string url{};      // of a page, or with `span` of an OTLP/HTTP endpoint, without /v1/traces
  bool span = false;      // send one span, and succeed once it was taken
  int retry_seconds = 0;  // ask again for so long while it fails
  std::vector<std::string> headers{};  // NAME=VALUE
  http::TlsClientOptions tls{};
};

// `probe URL`: for images that hold no other program, where something has to ask whether a gateway
// answers (a container's health check, a test of an installation). The exit code: 0 for a status
// of 200 to 299. One line says what was answered.
int Probe(const ProbeOptions& options);

}  // namespace wirespan::gateway
