#include "tests/unit/agent/protocol/http1/oracle.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace wirespan::http1 {
namespace {

// Heads made of plausible parts, then damaged in a few places.
std::string RandomHead(std::mt19937& random, bool request) {
  static const char* const kRequests[] = {"GET / HTTP/1.1",         "POST /a?b HTTP/1.0",
                                          "OPTIONS * HTTP/1.1",     "CONNECT a:1 HTTP/1.1",
                                          "GET http://h/ HTTP/1.1", "M-SEARCH * HTTP/1.1"};
  static const char* const kResponses[] = {"HTTP/1.1 200 OK", "HTTP/1.0 404 Not Found",
                                           "HTTP/1.1 304", "HTTP/1.1 100 C"};
  static const char* const kFields[] = {"Host: a",
                                        "Content-Length: 5",
                                        "Content-Length:10",
                                        "Transfer-Encoding: chunked",
                                        "Transfer-Encoding: gzip, chunked",
                                        "Connection: close",
                                        "Connection: keep-alive, Upgrade",
                                        "X-Long: a\r\n b",
                                        "Upgrade: websocket",
                                        "Empty:"};
  static const char* const kEnds[] = {"\r\n", "\r\n", "\r\n", "\n"};
  std::string head = request ? kRequests[random() % 6] : kResponses[random() % 4];
  head += kEnds[random() % 4];
  for (unsigned n = random() % 6; n > 0; --n)
    head += std::string(kFields[random() % 10]) + kEnds[random() % 4];
  head += "\r\n";
  if (random() % 2 == 0) {
    static const std::string kDamage = " \t\r\n:,/0aZ\x7f\x80H";
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const std::size_t at = random() % head.size();
      const char c = kDamage[random() % kDamage.size()];
      switch (random() % 3) {
        case 0:
          head[at] = c;
          break;
        case 1:
          head.insert(at, 1, c);
          break;
        default:
          head.erase(at, 1);
          break;
      }
    }
  }
  return head;
}

TEST(Http1OracleTest, AgreesOnWhatTheOracleTakes) {
  std::mt19937 random(7);
  for (int i = 0; i < 30'000; ++i) {
    CompareRequestWithOracle(RandomHead(random, true));
    CompareResponseWithOracle(RandomHead(random, false));
  }
}

}  // namespace
}  // namespace wirespan::http1
