#include "agent/connection/protocol_decision.h"

#include <algorithm>

#include "agent/protocol/http1/sniff.h"
#include "agent/protocol/http2/frame_reader.h"

namespace wirespan::connection {
namespace {

using http1::Likeness;
using protocol::ParseStatus;

bool IsPrefix(std::string_view a, std::string_view b) {
  const std::size_t n = std::min(a.size(), b.size());
  return a.substr(0, n) == b.substr(0, n);
}

// A server begins with SETTINGS that are no acknowledgement (RFC 9113, 3.4).
ParseStatus LooksLikeServersSettings(std::string_view bytes) {
  constexpr std::size_t kMostSettings = 256;
  if (bytes.front() != '\0') return ParseStatus::kInvalid;
  if (bytes.size() < http2::kFrameHeaderBytes) return ParseStatus::kNeedMore;
  http2::FrameHeader header;
  return http2::ParseFrameHeader(bytes, header) && header.type == http2::FrameType::kSettings &&
                 header.flags == 0 && header.length <= 6 * kMostSettings
             ? ParseStatus::kComplete
             : ParseStatus::kInvalid;
}

}  // namespace

Decision Decide(std::string_view bytes, bool final, bool joined_late, bool frame_start) {
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
  if (IsPrefix(bytes, http2::kPreface)) {
    if (bytes.size() >= 16) return answer(Speaks::kHttp2Preface);
    need_more = true;
  }
  if (joined_late) {
    const int likeness = http2::LooksLikeFrames(bytes);
    const bool told = frame_start && likeness >= 1;
    if (likeness == 3 || (told && bytes.size() >= http2::kFrameHeaderBytes) ||
        (likeness == 2 && final)) {
      return answer(Speaks::kHttp2Frames);
    }
    decision.likely_frames = likeness == 2 || told;
    need_more = need_more || decision.likely_frames;
  } else {
    switch (LooksLikeServersSettings(bytes)) {
      case ParseStatus::kComplete:
        return answer(Speaks::kHttp2Settings);
      case ParseStatus::kNeedMore:
        need_more = true;
        break;
      case ParseStatus::kInvalid:
        break;
    }
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
