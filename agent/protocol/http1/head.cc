#include "agent/protocol/http1/head.h"

#include <algorithm>
#include <cstring>

#include "agent/protocol/http1/field.h"

namespace wirespan::http1 {
namespace {

constexpr std::size_t kMaxMethod = 64;

// Position of the first byte of the start line: empty lines before it are skipped (RFC 9112, 2.2).
std::size_t SkipEmptyLines(std::string_view input) {
  std::size_t pos = 0;
  while (pos < input.size() && (input[pos] == '\r' || input[pos] == '\n')) ++pos;
  return pos;
}

// Matches what there is of "HTTP/1.x": kNeedMore if `text` is too short but right so far.
ParseStatus MatchVersion(std::string_view text, std::uint8_t& minor) {
  constexpr std::string_view kPrefix = "HTTP/1.";
  const std::size_t n = std::min(text.size(), kPrefix.size());
  if (std::memcmp(text.data(), kPrefix.data(), n) != 0) return ParseStatus::kInvalid;
  if (text.size() <= kPrefix.size()) return ParseStatus::kNeedMore;
  const char digit = text[kPrefix.size()];
  if (digit < '0' || digit > '9') return ParseStatus::kInvalid;
  minor = static_cast<std::uint8_t>(digit - '0');
  return ParseStatus::kComplete;
}

std::string_view DropTrailingCr(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line;
}

// `line` is from the start line's first byte; `complete`: up to its LF (left out).
ParseStatus ParseRequestLine(std::string_view line, bool complete, RequestHead& head) {
  std::size_t pos = 0;
  while (pos < line.size() && IsTokenChar(line[pos])) ++pos;
  if (pos > kMaxMethod) return ParseStatus::kInvalid;
  if (pos == line.size()) return complete ? ParseStatus::kInvalid : ParseStatus::kNeedMore;
  if (pos == 0 || line[pos] != ' ') return ParseStatus::kInvalid;
  head.method = line.substr(0, pos);
  while (pos < line.size() && line[pos] == ' ') ++pos;
  if (complete) line = DropTrailingCr(line);
  if (pos >= line.size()) return complete ? ParseStatus::kInvalid : ParseStatus::kNeedMore;
  const std::size_t target = pos;
  while (pos < line.size() && static_cast<unsigned char>(line[pos]) > ' ' && line[pos] != '\x7f')
    ++pos;
  if (pos == target) return ParseStatus::kInvalid;
  head.target = line.substr(target, pos - target);
  if (pos == line.size()) return complete ? ParseStatus::kInvalid : ParseStatus::kNeedMore;
  if (line[pos] != ' ') return ParseStatus::kInvalid;
  while (pos < line.size() && line[pos] == ' ') ++pos;
  const std::string_view version = line.substr(pos);
  const ParseStatus status = MatchVersion(version, head.minor);
  if (status == ParseStatus::kInvalid || !complete) {
    if (status == ParseStatus::kComplete && version.size() > 8 && version[8] != '\r' &&
        version[8] != ' ') {
      return ParseStatus::kInvalid;
    }
    return status == ParseStatus::kInvalid ? status : ParseStatus::kNeedMore;
  }
  return status == ParseStatus::kComplete && version.size() == 8 ? status : ParseStatus::kInvalid;
}

ParseStatus ParseStatusLine(std::string_view line, bool complete, ResponseHead& head) {
  if (line.empty()) return complete ? ParseStatus::kInvalid : ParseStatus::kNeedMore;
  const ParseStatus version = MatchVersion(line, head.minor);
  if (version != ParseStatus::kComplete) return complete ? ParseStatus::kInvalid : version;
  std::size_t pos = 8;
  if (pos < line.size() && line[pos] != ' ') return ParseStatus::kInvalid;
  while (pos < line.size() && line[pos] == ' ') ++pos;
  int code = 0;
  for (int digits = 0; digits < 3; ++digits, ++pos) {
    if (pos >= line.size()) return complete ? ParseStatus::kInvalid : ParseStatus::kNeedMore;
    if (line[pos] < '0' || line[pos] > '9') return ParseStatus::kInvalid;
    code = code * 10 + (line[pos] - '0');
  }
  if (code < 100) return ParseStatus::kInvalid;
  if (pos < line.size() && line[pos] != ' ' && line[pos] != '\r') return ParseStatus::kInvalid;
  head.status = code;
  return complete ? ParseStatus::kComplete : ParseStatus::kNeedMore;
}

void SetOnce(std::string_view& slot, std::string_view value) {
  if (slot.data() == nullptr) slot = value;
}

void ReadTraceparent(std::string_view value, RequestHead& head) {
  if (head.traceparent.data() != nullptr && head.traceparent != value) {
    head.traceparent = value.substr(0, 0);
  } else {
    head.traceparent = value;
  }
}

void ReadTracestate(std::string_view value, RequestHead& head) {
  for (std::string_view& slot : head.tracestate) {
    if (slot.data() != nullptr) continue;
    slot = value;
    return;
  }
}

void ReadField(std::string_view name, std::string_view value, RequestHead& head) {
  switch (name.size()) {
    case 4:
      if (EqualsLower(name, "host")) SetOnce(head.host, value);
      return;
    case 6:
      if (EqualsLower(name, "expect") && EqualsLower(value, "100-continue"))
        head.expect_continue = true;
      return;
    case 7:
      if (EqualsLower(name, "upgrade")) SetOnce(head.upgrade, value);
      return;
    case 9:
      if (EqualsLower(name, "forwarded")) SetOnce(head.forwarded, value);
      return;
    case 10:
      if (EqualsLower(name, "user-agent")) {
        SetOnce(head.user_agent, value);
      } else if (EqualsLower(name, "tracestate")) {
        ReadTracestate(value, head);
      } else {
        ReadFramingField(name, value, head.framing);
      }
      return;
    case 11:
      if (EqualsLower(name, "traceparent")) ReadTraceparent(value, head);
      return;
    case 12:
      if (EqualsLower(name, "content-type")) SetOnce(head.content_type, value);
      return;
    case 15:
      if (EqualsLower(name, "x-forwarded-for")) SetOnce(head.x_forwarded_for, value);
      return;
    case 16:
      if (EqualsLower(name, "x-forwarded-host")) SetOnce(head.x_forwarded_host, value);
      return;
    case 17:
      if (EqualsLower(name, "x-forwarded-proto")) {
        SetOnce(head.x_forwarded_proto, value);
      } else {
        ReadFramingField(name, value, head.framing);
      }
      return;
    case 14:
      ReadFramingField(name, value, head.framing);
      return;
    default:
      return;
  }
}

void ReadField(std::string_view name, std::string_view value, ResponseHead& head) {
  if (name.size() == 12) {
    if (EqualsLower(name, "content-type")) SetOnce(head.content_type, value);
  } else if (name.size() == 7) {
    if (EqualsLower(name, "upgrade")) SetOnce(head.upgrade, value);
  } else {
    ReadFramingField(name, value, head.framing);
  }
}

ParseStatus ParseStartLine(std::string_view line, bool complete, RequestHead& head) {
  return ParseRequestLine(line, complete, head);
}
ParseStatus ParseStartLine(std::string_view line, bool complete, ResponseHead& head) {
  return ParseStatusLine(line, complete, head);
}

constexpr FirstLetters Letters(const RequestHead&) { return MakeFirstLetters("hefutcx"); }
constexpr FirstLetters Letters(const ResponseHead&) { return MakeFirstLetters("cut"); }

template <class Head>
ParseResult Parse(std::string_view input, Head& head) {
  static constexpr FirstLetters kLetters = Letters(Head{});
  head = Head{};
  std::size_t pos = SkipEmptyLines(input);
  const std::string_view rest = input.substr(pos);
  const std::size_t newline = rest.find('\n');
  const ParseStatus start =
      ParseStartLine(rest.substr(0, newline), newline != std::string_view::npos, head);
  if (start != ParseStatus::kComplete) return {start, 0};
  pos += newline + 1;
  std::string_view name;
  std::string_view value;
  while (true) {
    switch (NextField(input, pos, kLetters, name, value)) {
      case FieldStatus::kField:
        ReadField(name, value, head);
        break;
      case FieldStatus::kEnd:
        return {ParseStatus::kComplete, pos};
      case FieldStatus::kNeedMore:
        return {ParseStatus::kNeedMore, pos};
    }
  }
}

template <class Head>
ParseResult ParsePrefix(std::string_view input, Head& head, bool (*usable)(const Head&)) {
  const ParseResult parsed = Parse(input, head);
  if (parsed.status == ParseStatus::kInvalid || !usable(head)) return {ParseStatus::kInvalid, 0};
  return {ParseStatus::kComplete, input.size()};
}

}  // namespace

ParseResult ParseRequestHead(std::string_view input, RequestHead& head) {
  return Parse(input, head);
}

ParseResult ParseResponseHead(std::string_view input, ResponseHead& head) {
  return Parse(input, head);
}

ParseResult ParseRequestHeadPrefix(std::string_view input, RequestHead& head) {
  return ParsePrefix<RequestHead>(
      input, head, [](const RequestHead& h) { return !h.method.empty() && !h.target.empty(); });
}

ParseResult ParseResponseHeadPrefix(std::string_view input, ResponseHead& head) {
  return ParsePrefix<ResponseHead>(input, head,
                                   [](const ResponseHead& h) { return h.status != 0; });
}

std::string Unfold(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\r' && value[i] != '\n') {
      out.push_back(value[i]);
      continue;
    }
    while (i + 1 < value.size() && (value[i + 1] == ' ' || value[i + 1] == '\t' ||
                                    value[i + 1] == '\n' || value[i + 1] == '\r')) {
      ++i;
    }
    while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
    out.push_back(' ');
  }
  return out;
}

bool IsKnownMethod(std::string_view method) {
  static constexpr std::string_view kMethods[] = {"GET",
                                                  "POST",
                                                  "PUT",
                                                  "HEAD",
                                                  "DELETE",
                                                  "OPTIONS",
                                                  "PATCH",
                                                  "CONNECT",
                                                  "TRACE",
                                                  "PROPFIND",
                                                  "PROPPATCH",
                                                  "MKCOL",
                                                  "COPY",
                                                  "MOVE",
                                                  "LOCK",
                                                  "UNLOCK",
                                                  "SEARCH",
                                                  "REPORT",
                                                  "ACL",
                                                  "BIND",
                                                  "UNBIND",
                                                  "REBIND",
                                                  "CHECKOUT",
                                                  "CHECKIN",
                                                  "UNCHECKOUT",
                                                  "MERGE",
                                                  "QUERY",
                                                  "MKACTIVITY",
                                                  "MKCALENDAR",
                                                  "MKREDIRECTREF",
                                                  "MKWORKSPACE",
                                                  "ORDERPATCH",
                                                  "UPDATE",
                                                  "UPDATEREDIRECTREF",
                                                  "VERSION-CONTROL",
                                                  "LABEL",
                                                  "LINK",
                                                  "UNLINK",
                                                  "BASELINE-CONTROL",
                                                  "PRI",
                                                  "PURGE",
                                                  "NOTIFY",
                                                  "SUBSCRIBE",
                                                  "UNSUBSCRIBE",
                                                  "M-SEARCH",
                                                  "SOURCE"};
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

}  // namespace wirespan::http1
