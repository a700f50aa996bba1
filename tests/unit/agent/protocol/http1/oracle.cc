#include "tests/unit/agent/protocol/http1/oracle.h"

#include <http_parser.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/protocol/http1/head.h"

namespace wirespan::http1 {
namespace {

struct Oracle {
  bool complete = false;
  std::string target{};
};

// Debian's build is not strict about how the version is spelled: it is the last word of a request's
// first line, and the first word of a response's.
bool NamesVersion(std::string_view input, http_parser_type type) {
  const std::size_t begin = std::min(input.find_first_not_of("\r\n"), input.size());
  std::string_view line = input.substr(begin, input.find('\n', begin) - begin);
  line = line.substr(0, line.find_last_not_of("\r ") + 1);
  if (type == HTTP_REQUEST) line.remove_prefix(line.find_last_of(' ') + 1);
  return line.starts_with("HTTP/1.");
}

bool RunOracle(std::string_view input, http_parser_type type, http_parser& parser, Oracle& oracle) {
  for (std::size_t cr = input.find('\r'); cr != std::string_view::npos;
       cr = input.find('\r', cr + 1)) {
    if (cr + 1 < input.size() && input[cr + 1] != '\n')
      return false;  // a bare CR ends a line for the oracle
  }
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = [](http_parser* p, const char* at, std::size_t n) {
    static_cast<Oracle*>(p->data)->target.append(at, n);
    return 0;
  };
  settings.on_headers_complete = [](http_parser* p) {
    static_cast<Oracle*>(p->data)->complete = true;
    http_parser_pause(p, 1);
    return 0;
  };
  http_parser_init(&parser, type);
  parser.data = &oracle;
  http_parser_execute(&parser, &settings, input.data(), input.size());
  return oracle.complete && parser.http_major == 1 && NamesVersion(input, type);
}

void Demand(bool condition, const char* what, std::string_view input) {
  if (condition) return;
  std::fprintf(stderr, "differs from the oracle: %s in \"%.*s\"\n", what,
               static_cast<int>(input.size()), input.data());
  std::abort();
}

void CompareFraming(const http_parser& parser, const Framing& framing, std::string_view input) {
  if ((parser.flags & F_CONTENTLENGTH) != 0 && !framing.transfer_encoding && !framing.bad_length) {
    Demand(framing.content_length == parser.content_length, "content length", input);
  }
  if ((parser.flags & F_CHUNKED) != 0 && parser.uses_transfer_encoding) {
    Demand(framing.transfer_encoding, "transfer encoding", input);
  }
}

}  // namespace

void CompareRequestWithOracle(std::string_view input) {
  http_parser parser;
  Oracle oracle;
  if (!RunOracle(input, HTTP_REQUEST, parser, oracle)) return;
  RequestHead head;
  const ParseResult ours = ParseRequestHead(input, head);
  if (ours.status == ParseStatus::kNeedMore) return;  // the oracle calls back before the last LF
  // Nor about control characters in targets.
  if (oracle.target.find_first_of("\t\f") != std::string::npos) return;
  Demand(ours.status == ParseStatus::kComplete, "request refused", input);
  Demand(head.method == http_method_str(static_cast<http_method>(parser.method)), "method", input);
  Demand(head.target == oracle.target, "target", input);
  Demand(head.minor == parser.http_minor, "version", input);
  CompareFraming(parser, head.framing, input);
}

void CompareResponseWithOracle(std::string_view input) {
  http_parser parser;
  Oracle oracle;
  if (!RunOracle(input, HTTP_RESPONSE, parser, oracle)) return;
  if (parser.status_code < 100 || input.find(" 0") != std::string_view::npos) return;
  ResponseHead head;
  const ParseResult ours = ParseResponseHead(input, head);
  if (ours.status == ParseStatus::kNeedMore) return;
  Demand(ours.status == ParseStatus::kComplete, "response refused", input);
  Demand(head.status == parser.status_code, "status", input);
  Demand(head.minor == parser.http_minor, "version", input);
  CompareFraming(parser, head.framing, input);
}

}  // namespace wirespan::http1
