// Heads: ours against libhttp-parser, every prefix asks for more, and a head is what it was with
// bytes behind it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/protocol/http1/head.h"
#include "agent/protocol/http1/sniff.h"
#include "tests/unit/agent/protocol/http1/oracle.h"

using namespace wirespan::http1;

namespace {

template <class Head, class Parse, class Prefix>
void Check(std::string_view input, Parse parse, Prefix prefix) {
  Head head;
  const ParseResult whole = parse(input, head);
  if (whole.status == ParseStatus::kComplete) {
    if (whole.consumed == 0 || whole.consumed > input.size()) std::abort();
    if (parse(input.substr(0, whole.consumed), head).status != ParseStatus::kComplete) std::abort();
    if (parse(input.substr(0, whole.consumed - 1), head).status != ParseStatus::kNeedMore)
      std::abort();
  }
  if (whole.status == ParseStatus::kNeedMore && !input.empty() &&
      parse(input.substr(0, input.size() / 2), head).status != ParseStatus::kNeedMore) {
    std::abort();
  }
  prefix(input, head);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Check<RequestHead>(input, ParseRequestHead, ParseRequestHeadPrefix);
  Check<ResponseHead>(input, ParseResponseHead, ParseResponseHeadPrefix);
  CompareRequestWithOracle(input);
  CompareResponseWithOracle(input);
  LooksLikeRequest(input);
  LooksLikeResponse(input);
  Unfold(input);
  return 0;
}
