#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/protocol/parse_status.h"

// Heads of HTTP/1.x messages (RFC 9112): pure functions of bytes, no copies, no allocation.
// Tolerant where servers are: bare LF, empty lines before the start line, several spaces between
// its parts, obs-fold; malformed field lines are skipped, because the exchange happens all the same
// (and ends with a 400).
namespace wirespan::http1 {

using protocol::ParseStatus;

// What the fields say about framing and the connection; the same for both kinds of message.
struct Framing {
  std::optional<std::uint64_t> content_length{};
  bool bad_length = false;  // not a number, or several that differ
  bool transfer_encoding =
      false;             // the field is there: content_length does not count (RFC 9112, 6.3)
  bool chunked = false;  // ... and its last coding is "chunked"
  bool connection_close = false;
  bool connection_keep_alive = false;
  bool connection_upgrade = false;
};

// Views point into the input. A value may hold an obs-fold (see Unfold).
struct RequestHead {
  std::string_view method{};
  std::string_view target{};
  std::uint8_t minor = 1;
  Framing framing{};
  bool expect_continue = false;
  std::string_view host{};
  std::string_view user_agent{};
  std::string_view traceparent{};  // empty if two differ: then none is valid
  std::array<std::string_view, 4>
      tracestate{};  // repeated fields are one list; more than four are cut
  std::string_view forwarded{};
  std::string_view x_forwarded_for{};
  std::string_view x_forwarded_host{};
  std::string_view x_forwarded_proto{};
  std::string_view content_type{};
  std::string_view upgrade{};
};

struct ResponseHead {
  int status = 0;
  std::uint8_t minor = 1;
  Framing framing{};
  std::string_view content_type{};
  std::string_view upgrade{};
};

struct ParseResult {
  ParseStatus status = ParseStatus::kInvalid;
  std::size_t consumed = 0;  // kComplete: up to and including the empty line
};

// Writes `head` (valid if kComplete). kInvalid is said as soon as the start line can't become a
// valid one.
ParseResult ParseRequestHead(std::string_view input, RequestHead& head);
ParseResult ParseResponseHead(std::string_view input, ResponseHead& head);

// The head was cut after `input`: takes what its complete lines say. kComplete needs a method and
// the begin of a target (a status code); `consumed` is all.
ParseResult ParseRequestHeadPrefix(std::string_view input, RequestHead& head);
ParseResult ParseResponseHeadPrefix(std::string_view input, ResponseHead& head);

// A field value as one line: each fold becomes one space (RFC 9112, 5.2).
std::string Unfold(std::string_view value);

// The method is one of the registered ones (IANA), of which a start is recognised before its line
// is complete.
bool IsKnownMethod(std::string_view method);

}  // namespace wirespan::http1
