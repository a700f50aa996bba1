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
struct ExchangeFacts {
  ExchangeFacts() = default;
  ExchangeFacts(const ExchangeFacts&) = delete;
  ExchangeFacts& operator=(const ExchangeFacts&) = delete;

  bool server = true;
  std::string_view method{};           // a known one, or "_OTHER"
  std::string_view method_original{};  // if "_OTHER" and one was sent
  std::string_view scheme{};
  Target target{};
  std::string_view server_address{};
  std::uint16_t server_port = 0;  // 0: unknown
  std::string_view protocol_version{};
  bool target_known = true;  // false: HPACK's holes hide the path
  // A gRPC call: what follows is said of it, instead of method, target and status_code.
  const protocol::Rpc* rpc = nullptr;
  std::string_view rpc_method{};           // "package.Service/Method" or "_OTHER"
  std::string_view rpc_method_original{};  // if "_OTHER" and one was sent
  std::string_view rpc_status{};           // "NOT_FOUND"; empty: not known
  // HTTP/2: who gave the stream up before its response was over, and why; else empty.
  std::string_view reset_by{};
  std::string_view reset_code{};
  std::string_view route{};       // http.route, if configured
  std::string_view error_type{};  // empty: no error
  Status status = Status::kUnset;
  int status_code = 0;  // 0: none
  std::uint64_t duration_ns = 0;
  bool instrumented = false;  // its process reports its own spans: ours is not told
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

// What a reset says of an exchange (docs/spans.md, "Resets"): the client's cancellation is nobody's
// error; every other one is an error at both ends.
void ComputeFacts(const connection::ConnectionInfo& connection, const protocol::Exchange& exchange,
                  const KnownMethods& methods, ExchangeFacts& facts);

}  // namespace wirespan::span
