#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connection/observed_exchange.h"
#include "agent/span/span.h"
#include "agent/span/url.h"

namespace wirespan::span {

// What both the span and the metrics say of an exchange, worked out once. Views point into the
// exchange, its connection (for `address_storage` into this object itself), the method table or
// static storage: use it while those live; not copyable.
struct HttpFacts {
  HttpFacts() = default;
  HttpFacts(const HttpFacts&) = delete;
  HttpFacts& operator=(const HttpFacts&) = delete;

  bool server = true;
  std::string_view method{};           // a known one, or "_OTHER"
  std::string_view method_original{};  // if "_OTHER" and one was sent
  std::string_view scheme{};
  Target target{};
  std::string_view server_address{};
  std::uint16_t server_port = 0;  // 0: unknown
  std::string_view protocol_version{};
  std::string_view route{};       // http.route, if configured
  std::string_view error_type{};  // empty: no error
  Status status = Status::kUnset;
  int status_code = 0;  // 0: none
  std::uint64_t duration_ns = 0;
  bool end_inferred =
      false;  // the exchange had no usable end time: its latest other time was taken

  std::string address_storage{};  // server_address where no header names it
};

// http.request.method's known values. The default: RFC 9110, PATCH and QUERY;
// OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS replaces the list. Case-sensitive.
class KnownMethods {
 public:
  KnownMethods();
  // A comma-separated list; blanks around names are ignored, an empty list keeps the default.
  explicit KnownMethods(std::string_view list);
  bool Contains(std::string_view method) const;

 private:
  std::vector<std::string> methods_{};
};

void ComputeFacts(const connection::ConnectionInfo& connection, const protocol::Exchange& exchange,
                  const KnownMethods& methods, HttpFacts& facts);

}  // namespace wirespan::span
