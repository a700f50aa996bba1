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

// A header of version 2: version and command, family and transport, then what follows its length.
std::string Header2(char command, char family, const std::string& rest) {
  return kV2.substr(0, 12) + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 255) + rest;
}

TEST(ProxyPreambleTest, ReadsEveryFamilyOfVersion2) {
  const std::string in4 = kV2.substr(16);
  const std::string in6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x07" +
                          std::string(15, '\0') + "\1" + std::string("\x12\x34\0\x50", 4);
  const std::string tlv("\x04\0\x02zz", 5);  // PP2_TYPE_NOOP, and others, are passed over
  const std::string paths = "/run/client" + std::string(205, '\0');
  struct Case {
    const char* what;
    std::string header;
    const char* address;
    int port;
  };
  for (const Case& c : {
           Case{"TCP over IPv6", Header2('\x21', '\x21', in6), "2001:db8::7", 0x1234},
           Case{"IPv4 and TLVs", Header2('\x21', '\x11', in4 + tlv), "203.0.113.5", 56324},
           Case{"IPv6 and TLVs", Header2('\x21', '\x21', in6 + tlv), "2001:db8::7", 0x1234},
           Case{"LOCAL: the proxy speaks for itself", Header2('\x20', '\x11', in4), "", 0},
           Case{"LOCAL without addresses", Header2('\x20', '\0', ""), "", 0},
           Case{"unspecified", Header2('\x21', '\0', tlv), "", 0},
           Case{"a Unix socket's has no address", Header2('\x21', '\x31', paths), "", 0},
           Case{"shorter than its addresses", Header2('\x21', '\x21', in4), "", 0},
       }) {
    SCOPED_TRACE(c.what);
    Preamble preamble;
    EXPECT_EQ(ParsePreamble(c.header + "GET /", preamble), ParseStatus::kComplete);
    EXPECT_EQ(preamble.consumed, c.header.size());
    EXPECT_EQ(preamble.client_address, c.address);
    EXPECT_EQ(preamble.client_port, c.port);
  }
  Preamble preamble;
  for (const std::string& bad : {Header2('\x11', '\x11', in4), Header2('\x22', '\x11', in4),
                                 Header2('\x21', '\x11', std::string(5000, 'x'))}) {
    EXPECT_EQ(ParsePreamble(bad, preamble), ParseStatus::kInvalid);
  }
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
