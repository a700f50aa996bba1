#include "agent/connection/protocol_decision.h"

#include <algorithm>

#include "agent/protocol/http1/sniff.h"

namespace wirespan::connection {
namespace {

using http1::Likeness;
using protocol::ParseStatus;

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

bool IsPrefix(std::string_view a, std::string_view b) {
  const std::size_t n = std::min(a.size(), b.size());
  return a.substr(0, n) == b.substr(0, n);
}

}  // namespace

Decision Decide(std::string_view bytes, bool final, bool joined_late) {
  Decision decision;
  if (bytes.empty()) {
    if (final) decision.speaks = Speaks::kOther;
    return decision;
  }
  const auto answer = [&](Speaks speaks) {
    decision.speaks = speaks;
    return std::move(decision);
  };
  bool need_more = false;
  if (const Likeness request = http1::LooksLikeRequest(bytes, joined_late);
      request == Likeness::kYes) {
    return answer(Speaks::kHttp1Request);
  } else if (request == Likeness::kNeedMore) {
    need_more = true;
  }
  if (const Likeness response = http1::LooksLikeResponse(bytes); response == Likeness::kYes) {
    return answer(Speaks::kHttp1Response);
  } else if (response == Likeness::kNeedMore) {
    need_more = true;
  }
  if (IsPrefix(bytes, kHttp2Preface)) {
    if (bytes.size() >= 16) return answer(Speaks::kHttp2);
    need_more = true;
  }
  switch (tls::LooksLikeClientHello(bytes)) {
    case ParseStatus::kComplete:
      if (tls::ParseClientHello(bytes, decision.hello) == ParseStatus::kComplete || final)
        return answer(Speaks::kTls);
      need_more = true;
      break;
    case ParseStatus::kNeedMore:
      need_more = true;
      break;
    case ParseStatus::kInvalid:
      if (joined_late && tls::LooksLikeTlsRecord(bytes) == ParseStatus::kComplete)
        return answer(Speaks::kTls);
      break;
  }
  switch (proxy::ParsePreamble(bytes, decision.preamble)) {
    case ParseStatus::kComplete:
      return answer(Speaks::kProxyPreamble);
    case ParseStatus::kNeedMore:
      need_more = true;
      break;
    case ParseStatus::kInvalid:
      break;
  }
  return answer(need_more && !final ? Speaks::kNeedMore : Speaks::kOther);
}

}  // namespace wirespan::connection
