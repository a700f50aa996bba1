#include "tests/unit/agent/connection/http2_events.h"

#include <algorithm>
#include <utility>

#include "agent/protocol/http2/frame.h"

namespace wirespan::connection {
namespace {

using protocol::Exchange;

class Sight {
 public:
  Sight(std::mt19937& random, const SightPlan& plan, SocketScript& socket)
      : random_(random), plan_(plan), socket_(socket) {}

  void See(const Written& one) {
    const Direction direction = one.client == plan_.client ? Direction::kWrite : Direction::kRead;
    const int lane = one.client ? 0 : 1;
    std::size_t at = 0;
    while (at < one.bytes.size()) {
      std::size_t n = one.bytes.size() - at;
      if (plan_.cut) n = std::min(n, 1 + Below(Chance(0.5) ? 12 : 4000));
      if (plan_.piece != 0) n = std::min(n, plan_.piece);
      bool start = left_[lane] == 0;
      std::size_t run = 0;
      if (plan_.runs && start && Chance(0.5)) run = RunAt(one, at);
      if (run != 0) n = run;
      std::size_t captured = n;
      if (plan_.gaps && Chance(0.7)) {
        while (captured > 0 && one.payload[at + captured - 1] == 'd') --captured;
      }
      if (run != 0) captured = 0;
      if (Chance(plan_.blank)) captured = 0;
      OwnedEvent event = socket_.Data(direction, one.bytes.substr(at, n), captured);
      auto& data = std::get<DataEvent>(event.event);
      if (plan_.marks && start) data.frame_start = true;
      if (run != 0) {
        const auto frame = std::string_view(one.bytes).substr(at);
        http2::FrameHeader header;
        http2::ParseFrameHeader(frame, header);
        data.run = {header.stream, 1, header.length};
      }
      Follow(one, at, n, lane);
      if (!Chance(plan_.lose)) lanes[lane].push_back(std::move(event));
      at += n;
    }
    socket_.Advance(Below(20) * 1000);
  }

  std::vector<OwnedEvent> Arrange() {
    std::vector<OwnedEvent> out;
    if (plan_.shuffle) {
      for (auto& lane : lanes) {
        for (std::size_t i = 0; i + 1 < lane.size(); ++i) {
          if (Chance(0.1)) std::swap(lane[i], lane[i + 1]);
        }
      }
    }
    std::size_t next[2] = {0, 0};
    std::size_t stay = 0;
    std::size_t lane = 0;
    while (next[0] < lanes[0].size() || next[1] < lanes[1].size()) {
      if (plan_.shuffle) {
        if (stay-- == 0) {
          stay = Below(8);
          lane = Below(2);
        }
        if (next[lane] == lanes[lane].size()) lane = 1 - lane;
      } else {
        lane = next[0] == lanes[0].size()                              ? 1
               : next[1] == lanes[1].size()                            ? 0
               : TimeOf(lanes[0][next[0]]) < TimeOf(lanes[1][next[1]]) ? 0
                                                                       : 1;
      }
      out.push_back(std::move(lanes[lane][next[lane]++]));
    }
    return out;
  }

 private:
  std::size_t Below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  bool Chance(double p) {
    return p != 0 && std::uniform_real_distribution<double>(0, 1)(random_) < p;
  }
  static std::uint64_t TimeOf(const OwnedEvent& event) {
    return std::visit([](const auto& one) { return one.ts_ns; }, event.event);
  }
  // Of a DATA frame that may go as a run.
  static std::size_t RunAt(const Written& one, std::size_t at) {
    http2::FrameHeader header;
    if (!http2::ParseFrameHeader(std::string_view(one.bytes).substr(at), header)) return 0;
    if (header.type != http2::FrameType::kData || header.flags != 0) return 0;
    return http2::kFrameHeaderBytes + header.length;
  }
  // Where frames begin; writes begin with one.
  void Follow(const Written& one, std::size_t at, std::size_t n, int lane) {
    std::size_t end = at + n;
    if (left_[lane] >= n) {
      left_[lane] -= n;
      return;
    }
    at += left_[lane];
    left_[lane] = 0;
    while (at < end) {
      std::size_t size = 24;  // the preface
      http2::FrameHeader header;
      if (one.bytes[at] != 'P' &&
          http2::ParseFrameHeader(std::string_view(one.bytes).substr(at), header)) {
        size = http2::kFrameHeaderBytes + header.length;
      }
      const std::size_t here = std::min(size, end - at);
      at += here;
      left_[lane] = size - here;
    }
  }

  std::mt19937& random_;
  const SightPlan& plan_;
  SocketScript& socket_;
  std::size_t left_[2]{};

 public:
  std::vector<OwnedEvent> lanes[2]{};
};

}  // namespace

std::vector<OwnedEvent> EventsOf(std::mt19937& random, const std::vector<Written>& written,
                                 const SightPlan& plan, SocketScript& socket) {
  std::vector<OwnedEvent> out{socket.Open()};
  Sight sight(random, plan, socket);
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (i >= plan.from) {
      sight.See(written[i]);
    } else {
      socket.Lose(written[i].client == plan.client ? Direction::kWrite : Direction::kRead,
                  written[i].bytes.size());
    }
  }
  for (OwnedEvent& event : sight.Arrange()) out.push_back(std::move(event));
  return out;
}

std::string Disagreement(const Exchange& seen, const StreamTruth& truth) {
  std::string out;
  const auto text = [&](std::string_view name, const Text& got, const std::string& want) {
    if (!got.empty() && got != want)
      out += std::string(name) + " is " + got.str() + ", was " + want + "; ";
  };
  const auto number = [&](std::string_view name, auto got, auto want) {
    if (got != want)
      out +=
          std::string(name) + " is " + std::to_string(got) + ", was " + std::to_string(want) + "; ";
  };
  text("method", seen.method, truth.method);
  text("target", seen.target, truth.path);
  text("host", seen.host, truth.authority);
  text("user agent", seen.user_agent, truth.user_agent);
  text("response type", seen.response_content_type, truth.response_type);
  if (seen.status != 0) number("status", seen.status, truth.status);
  if (seen.incomplete == 0) {
    if (seen.method.empty() || seen.target.empty() || seen.host.empty()) out += "not confessed; ";
    number("grpc", seen.protocol == protocol::Protocol::kGrpc, truth.grpc);
  }
  const bool complete = seen.outcome == protocol::Outcome::kComplete;
  const bool request_body = (seen.incomplete & protocol::kIncompleteRequestBody) == 0;
  const bool response_body = (seen.incomplete & protocol::kIncompleteResponseBody) == 0;
  if (seen.request_body_bytes) {
    if (request_body && complete) {
      number("request body", *seen.request_body_bytes, truth.request_body);
    } else if (*seen.request_body_bytes > truth.request_body) {
      out += "request body too large; ";
    }
  }
  if (seen.response_body_bytes) {
    if (response_body && complete) {
      number("response body", *seen.response_body_bytes, truth.response_body);
    } else if (*seen.response_body_bytes > truth.response_body) {
      out += "response body too large; ";
    }
  }
  if (seen.protocol == protocol::Protocol::kGrpc) {
    if (!truth.grpc) return out + "not gRPC; ";
    const protocol::Rpc& rpc = *seen.rpc;
    if (complete && rpc.status) number("grpc status", *rpc.status, truth.grpc_status.value_or(-1));
    if (complete && rpc.request_exact && request_body && !truth.early)
      number("request messages", rpc.request_messages, truth.request_messages);
    if (complete && rpc.response_exact && response_body)
      number("response messages", rpc.response_messages, truth.response_messages);
    if (rpc.request_messages > truth.request_messages) out += "too many request messages; ";
    if (rpc.response_messages > truth.response_messages) out += "too many response messages; ";
  }
  if (complete && truth.end != StreamEnd::kComplete) out += "did not complete; ";
  if (!complete && truth.end == StreamEnd::kComplete) {
    out += "completed, but outcome " + std::to_string(static_cast<int>(seen.outcome)) + " reset " +
           std::to_string(static_cast<int>(seen.reset)) + " at " +
           std::to_string(seen.response_end_ns - seen.request_start_ns) + "; ";
  }
  return out;
}

}  // namespace wirespan::connection
