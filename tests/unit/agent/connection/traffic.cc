#include "tests/unit/agent/connection/traffic.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace wirespan::connection {
namespace {

using testing::OwnedEvent;
using testing::SocketScript;

class Maker {
 public:
  Maker(std::mt19937& random, const Plan& plan) : random_(random), plan_(plan) {}

  Conversation Make() {
    Conversation out;
    std::vector<std::string> requests;
    std::vector<std::string> responses;
    for (int i = 0; i < plan_.exchanges; ++i) {
      Exchanged one;
      requests.push_back(Request(i, one));
      responses.push_back(Response(i, one));
      out.exchanges.push_back(one);
    }
    for (auto& event : {socket_.Open()}) Add(2, event);
    std::size_t asked = 0;
    std::size_t answered = 0;
    while (answered < requests.size()) {
      std::size_t more = 1;
      if (plan_.style == Style::kBatches) more = 1 + Below(4);
      if (plan_.style == Style::kSliding) more = answered == asked ? 1 + Below(3) : Below(3);
      std::string bytes;
      for (; more > 0 && asked < requests.size(); --more) bytes += requests[asked++];
      Emit(true, bytes);
      std::size_t until = asked;
      if (plan_.style == Style::kSliding && answered < asked)
        until = answered + Below(asked - answered + 1);
      bytes.clear();
      while (answered < until) bytes += responses[answered++];
      Emit(false, bytes);
      socket_.Advance(Below(2'000'000));
    }
    Add(2, socket_.Close());
    out.events = Arrange();
    return out;
  }

 private:
  // In a message, bytes of a body are written as \x01 and may pass unseen.
  static std::string Payload(std::uint64_t n) { return std::string(n, '\x01'); }

  std::size_t Below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  bool Chance(double p) { return std::uniform_real_distribution<double>(0, 1)(random_) < p; }

  std::string Body(std::uint64_t& size) {
    switch (Below(3)) {
      case 0:
        return "\r\n";
      case 1:
        size = Below(300);
        return "Content-Length: " + std::to_string(size) + "\r\n\r\n" + Payload(size);
      default: {
        std::string out = "Transfer-Encoding: chunked\r\n\r\n";
        for (std::size_t chunks = Below(4); chunks > 0; --chunks) {
          const std::size_t n = 1 + Below(200);
          char text[16];
          std::snprintf(text, sizeof text, "%zx", n);
          out +=
              std::string(text) + (Chance(0.3) ? ";ext=\"1\"" : "") + "\r\n" + Payload(n) + "\r\n";
          size += n;
        }
        return out + "0\r\n" + (Chance(0.3) ? "X-Trailer: y\r\n" : "") + "\r\n";
      }
    }
  }

  std::string Request(int i, Exchanged& one) {
    static const char* const kMethods[] = {"GET", "POST", "HEAD", "PUT", "BREW"};
    one.method = kMethods[Below(5)];
    return one.method + " /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n" +
           Body(one.request_body);
  }

  std::string Response(int i, Exchanged& one) {
    static const int kStatuses[] = {200, 201, 204, 304, 404, 503};
    one.status = kStatuses[Below(6)];
    std::string out;
    if (Chance(0.2)) out += "HTTP/1.1 100 Continue\r\n\r\n";
    out += "HTTP/1.1 " + std::to_string(one.status) + " Why\r\nContent-Type: x/" +
           std::to_string(i) + "\r\n";
    if (one.method == "HEAD" || one.status == 204 || one.status == 304) {
      return out + (Chance(0.5) ? "Content-Length: 77\r\n\r\n" : "\r\n");
    }
    std::string body = Body(one.response_body);
    if (body == "\r\n") body = "Content-Length: 0\r\n\r\n";
    return out + body;
  }

  void Add(int lane, OwnedEvent event) { lanes_[lane].push_back(std::move(event)); }

  // One write's bytes as events, cut anywhere; a stretch of payload may end an event unseen.
  void Emit(bool request, const std::string& bytes) {
    const Direction direction = request == plan_.client ? Direction::kWrite : Direction::kRead;
    std::size_t at = 0;
    while (at < bytes.size()) {
      std::size_t n = 1 + Below(Chance(0.5) ? 8 : 600);
      n = std::min(n, bytes.size() - at);
      std::size_t captured = n;
      if (plan_.gaps && Chance(0.5)) {
        while (captured > 0 && bytes[at + captured - 1] == '\x01') --captured;
      }
      const bool blank = Chance(plan_.blank);
      if (Chance(plan_.lose)) {
        socket_.Lose(direction, n);
        socket_.Advance(1000);
      } else {
        Add(direction == Direction::kRead ? 0 : 1,
            socket_.Data(direction, bytes.substr(at, n), blank ? 0 : captured));
      }
      at += n;
    }
  }

  static std::uint64_t TimeOf(const OwnedEvent& event) {
    return std::visit([](const auto& one) { return one.ts_ns; }, event.event);
  }

  std::vector<OwnedEvent> Arrange() {
    std::vector<OwnedEvent> out{lanes_[2].front()};
    if (plan_.shuffle) {
      for (int lane = 0; lane < 2; ++lane) {
        for (std::size_t i = 0; i + 1 < lanes_[lane].size(); ++i) {
          if (Chance(0.1)) std::swap(lanes_[lane][i], lanes_[lane][i + 1]);
        }
      }
    }
    std::size_t next[2] = {0, 0};
    while (next[0] < lanes_[0].size() || next[1] < lanes_[1].size()) {
      int lane = next[0] < lanes_[0].size() ? 0 : 1;
      if (next[0] < lanes_[0].size() && next[1] < lanes_[1].size()) {
        lane = plan_.shuffle ? static_cast<int>(Below(2))
               : TimeOf(lanes_[0][next[0]]) < TimeOf(lanes_[1][next[1]]) ? 0
                                                                         : 1;
      }
      out.push_back(lanes_[lane][next[lane]++]);
    }
    out.push_back(lanes_[2].back());
    return out;
  }

  std::mt19937& random_;
  const Plan& plan_;
  SocketScript socket_{};
  std::vector<OwnedEvent> lanes_[3]{};
};

}  // namespace

Conversation MakeConversation(std::mt19937& random, const Plan& plan) {
  return Maker(random, plan).Make();
}

}  // namespace wirespan::connection
