#include "agent/protocol/proxy/preamble.h"

#include <gtest/gtest.h>

namespace wirespan::proxy {
namespace {

using protocol::ParseStatus;

const std::string kV1 = "PROXY TCP4 198.51.100.1 192.0.2.7 56324 443\r\n";
const std::string kV2 = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) +
                        std::string("\xcb\0\x71\x05\x0a\0\0\1\xdc\4\1\xbb", 12);

TEST(ProxyPreambleTest, ReadsVersion1) {
  Preamble preamble;
  EXPECT_EQ(ParsePreamble(kV1 + "GET /", preamble), ParseStatus::kComplete);
  EXPECT_EQ(preamble.consumed, kV1.size());
  EXPECT_EQ(preamble.client_address, "198.51.100.1");
  EXPECT_EQ(preamble.client_port, 56324);
  EXPECT_EQ(ParsePreamble("PROXY UNKNOWN\r\n", preamble), ParseStatus::kComplete);
  EXPECT_EQ(preamble.client_address, "");
  EXPECT_EQ(ParsePreamble("PROXY TCP6 2001:DB8::1 ::1 1 2\r\n", preamble), ParseStatus::kComplete);
  EXPECT_EQ(preamble.client_address, "2001:db8::1");
}

TEST(ProxyPreambleTest, ReadsVersion2) {
  Preamble preamble;
  EXPECT_EQ(ParsePreamble(kV2 + "GET /", preamble), ParseStatus::kComplete);
  EXPECT_EQ(preamble.consumed, kV2.size());
  EXPECT_EQ(preamble.client_address, "203.0.113.5");
  EXPECT_EQ(preamble.client_port, 56324);
}

TEST(ProxyPreambleTest, AsksForMoreAtEveryCut) {
  for (const std::string& whole : {kV1, kV2}) {
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
      SCOPED_TRACE(cut);
      Preamble preamble;
      EXPECT_EQ(ParsePreamble(std::string_view(whole).substr(0, cut), preamble),
                ParseStatus::kNeedMore);
    }
  }
}

TEST(ProxyPreambleTest, RefusesNonsense) {
  Preamble preamble;
  EXPECT_EQ(ParsePreamble("PROXY TCP4 nowhere 1.1.1.1 1 2\r\n", preamble), ParseStatus::kInvalid);
  EXPECT_EQ(ParsePreamble("PROXY TCP4 1.1.1.1 1.1.1.1 99999 2\r\n", preamble),
            ParseStatus::kInvalid);
  EXPECT_EQ(ParsePreamble("PROXY " + std::string(200, 'x'), preamble), ParseStatus::kInvalid);
  EXPECT_EQ(ParsePreamble("GET / HTTP/1.1\r\n", preamble), ParseStatus::kInvalid);
}

}  // namespace
}  // namespace wirespan::proxy
