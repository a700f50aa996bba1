#include "agent/protocol/tls/client_hello.h"

#include <gtest/gtest.h>

namespace wirespan::tls {
namespace {

using protocol::ParseStatus;

std::string Be(std::size_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 255));
  return out;
}
std::string Vector(const std::string& content, int bytes) {
  return Be(content.size(), bytes) + content;
}

std::string Hello(const std::string& name, const std::string& alpn) {
  const std::string sni = Be(0, 2) + Vector(Vector(Be(0, 1) + Vector(name, 2), 2), 2);
  const std::string protocols =
      Be(16, 2) + Vector(Vector(Vector(alpn, 1) + Vector("http/1.1", 1), 2), 2);
  const std::string body = Be(0x0303, 2) + std::string(32, 'r') + Vector("", 1) +
                           Vector(Be(0x1301, 2), 2) + Vector(Be(0, 1), 1) +
                           Vector(Be(43, 2) + Vector("abc", 2) + sni + protocols, 2);
  return "\x16\x03\x01" + Vector("\x01" + Vector(body, 3), 2);
}

TEST(ClientHelloTest, FindsNameAndProtocol) {
  ClientHello hello;
  EXPECT_EQ(ParseClientHello(Hello("example.com", "h2"), hello), ParseStatus::kComplete);
  EXPECT_EQ(hello.server_name, "example.com");
  EXPECT_EQ(hello.alpn, "h2");
}

TEST(ClientHelloTest, AsksForMoreAtEveryCut) {
  const std::string whole = Hello("example.com", "h2");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    SCOPED_TRACE(cut);
    ClientHello hello;
    EXPECT_EQ(ParseClientHello(std::string_view(whole).substr(0, cut), hello),
              ParseStatus::kNeedMore);
  }
}

TEST(ClientHelloTest, RefusesWhatIsNone) {
  ClientHello hello;
  EXPECT_EQ(ParseClientHello("GET / HTTP/1.1\r\n", hello), ParseStatus::kInvalid);
  EXPECT_EQ(ParseClientHello(std::string("\x16\x03\x01\x00\x05\x02zzzz", 10), hello),
            ParseStatus::kInvalid);
  EXPECT_EQ(LooksLikeTlsRecord(std::string("\x17\x03\x03\x00\x20zz", 7)), ParseStatus::kComplete);
  EXPECT_EQ(LooksLikeTlsRecord(std::string("\x17\x03\x03\xff\xff", 5)), ParseStatus::kInvalid);
}

TEST(ClientHelloTest, TakesNoUnprintableNames) {
  ClientHello hello;
  EXPECT_EQ(ParseClientHello(Hello("evil\nname", "h2"), hello), ParseStatus::kComplete);
  EXPECT_EQ(hello.server_name, "");
}

}  // namespace
}  // namespace wirespan::tls
