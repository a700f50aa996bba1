#include "agent/kernel/header_mask.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace wirespan::kernel {

bool HeaderMask::IsSecret(const std::string& name) {
  static constexpr std::array<std::string_view, 4> kSecrets = {
      "authorization", "proxy-authorization", "cookie", "set-cookie"};
  return std::find(kSecrets.begin(), kSecrets.end(), name) != kSecrets.end();
}

// state      LF          CR    ':'                    SP HT at the start      else
// kName      kLineEnd    -     kSecret or kValue      (name too long) kValue  collects the name
// kValue     kLineEnd
// kSecret    kLineEnd    kept                                                 becomes 'x'
// kLineEnd   (as kName, but SP or HT goes on with the line before: kSecret if that was one, else
// kValue)
void HeaderMask::Apply(const connection::DataEvent& data, std::string& captured) {
  auto& streams = streams_[data.direction == connection::Direction::kWrite ? 1 : 0];
  if (streams.size() >= kMaxStreams) streams.clear();
  Stream& stream = streams[data.conn.cookie];
  if (data.frame_start && !stream.http2) {
    stream = Stream{};
    stream.http2 = std::make_unique<Http2Mask>();
  }
  if (stream.http2) return stream.http2->Apply(data, captured);
  if (stream.next != data.offset) stream = Stream{};
  for (char& c : captured) {
    if (c == '\n') {
      stream.secret = stream.state == State::kSecret;
      stream.state = State::kLineEnd;
      stream.name.clear();
      continue;
    }
    switch (stream.state) {
      case State::kLineEnd:
        if (c == ' ' || c == '\t') {
          stream.state = stream.secret ? State::kSecret : State::kValue;
          break;
        }
        stream.state = State::kName;
        [[fallthrough]];
      case State::kName:
        if (c == ':') {
          stream.state = IsSecret(stream.name) ? State::kSecret : State::kValue;
        } else if (stream.name.size() >= 20 || c == ' ') {
          stream.state = State::kValue;
        } else {
          stream.name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
        }
        break;
      case State::kSecret:
        if (c != '\r') c = 'x';
        break;
      case State::kValue:
        break;
    }
  }
  stream.next = data.offset + captured.size();
}

void HeaderMask::Forget(connection::ConnectionId conn) {
  for (auto& streams : streams_) streams.erase(conn.cookie);
}

}  // namespace wirespan::kernel
