#include "agent/span/url.h"

#include <gtest/gtest.h>

#include "agent/span/redact.h"

namespace wirespan::span {
namespace {

TEST(TargetTest, ReadsEveryForm) {
  struct Case {
    const char* method;
    const char* target;
    TargetForm form;
    const char* scheme;
    const char* authority;
    const char* path;
    const char* query;
  };
  for (const Case& c : {
           Case{"GET", "/", TargetForm::kOrigin, "", "", "/", ""},
           Case{"GET", "/a/b?x=1?y", TargetForm::kOrigin, "", "", "/a/b", "x=1?y"},
           Case{"GET", "/a#frag?no", TargetForm::kOrigin, "", "", "/a", ""},
           Case{"GET", "//double/", TargetForm::kOrigin, "", "", "//double/", ""},
           Case{"GET", "http://h:1/p?q", TargetForm::kAbsolute, "http", "h:1", "/p", "q"},
           Case{"GET", "http://h?q=1", TargetForm::kAbsolute, "http", "h", "/", "q=1"},
           Case{"GET", "HTTP://u:p@h", TargetForm::kAbsolute, "HTTP", "u:p@h", "/", ""},
           Case{"OPTIONS", "*", TargetForm::kAsterisk, "", "", "*", ""},
           Case{"CONNECT", "h:443", TargetForm::kAuthority, "", "h:443", "", ""},
           Case{"CONNECT", "", TargetForm::kAuthority, "", "", "", ""},
           Case{"CONNECT", "/chat?x", TargetForm::kOrigin, "", "", "/chat", "x"},
           Case{"GET", "", TargetForm::kOther, "", "", "", ""},
           Case{"GET", "foo?bar", TargetForm::kOther, "", "", "foo", "bar"},
           Case{"GET", "://x", TargetForm::kOther, "", "", "://x", ""},
       }) {
    SCOPED_TRACE(c.target);
    const Target target = ParseTarget(c.method, c.target);
    EXPECT_EQ(target.form, c.form);
    EXPECT_EQ(target.scheme, c.scheme);
    EXPECT_EQ(target.authority, c.authority);
    EXPECT_EQ(target.path, c.path);
    EXPECT_EQ(target.query, c.query);
  }
}

TEST(AuthorityTest, ReadsHostsAndPorts) {
  struct Case {
    const char* text;
    bool valid;
    const char* host;
    int port;
  };
  for (const Case& c : {
           Case{"example.com", true, "example.com", 0},
           Case{"example.com:8080", true, "example.com", 8080},
           Case{"example.com:", true, "example.com", 0},
           Case{" a_b:1 ", true, "a_b", 1},
           Case{"192.0.2.1:80", true, "192.0.2.1", 80},
           Case{"[2001:db8::1]:443", true, "2001:db8::1", 443},
           Case{"[::1]", true, "::1", 0},
           Case{"user:secret@h:1", true, "h", 1},
           Case{"", false, "", 0},
           Case{":80", false, "", 0},
           Case{"h:99999", false, "", 0},
           Case{"h:8x", false, "", 0},
           Case{"h:-1", false, "", 0},
           Case{"[::1", false, "", 0},
           Case{"[::1]x", false, "", 0},
           Case{"[zz]", false, "", 0},
           Case{"[1.2.3.4]", false, "", 0},
           Case{"a b", false, "", 0},
           Case{"a/b", false, "", 0},
           Case{"a\x01", false, "", 0},
           Case{"2001:db8::1", false, "", 0},
       }) {
    SCOPED_TRACE(c.text);
    const Authority authority = ParseAuthority(c.text);
    EXPECT_EQ(authority.valid, c.valid);
    EXPECT_EQ(authority.host, c.host);
    EXPECT_EQ(authority.port, c.port);
  }
  EXPECT_FALSE(ParseAuthority(std::string(300, 'a')).valid);
  EXPECT_FALSE(ParseAuthority(std::string_view("a\0b", 3)).valid);
}

TEST(ForwardedTest, ReadsTheFirstElementOnly) {
  const Forwarded f = ParseForwarded(
      "For=\"[2001:db8::17]:4711\"; HOST=\"api.example:8443\";proto=https, for=1.2.3.4;host=evil");
  EXPECT_EQ(f.for_node, "[2001:db8::17]:4711");
  EXPECT_EQ(f.host, "api.example:8443");
  EXPECT_EQ(f.proto, "https");
  EXPECT_EQ(ParseForwarded("for=\"a,b\";host=h").host, "h");
  EXPECT_EQ(ParseForwarded("for=\"unterminated;host=h").host, "");
  EXPECT_EQ(ParseForwarded(";;=,").host, "");
  EXPECT_EQ(ParseForwarded("for=\"a\\\"b\"").for_node, "");
}

TEST(NodeAddressTest, TakesAddressesAndRefusesGarbage) {
  EXPECT_EQ(NodeAddress("192.0.2.60"), "192.0.2.60");
  EXPECT_EQ(NodeAddress("192.0.2.60:1234"), "192.0.2.60");
  EXPECT_EQ(NodeAddress("[2001:db8::1]:99"), "2001:db8::1");
  EXPECT_EQ(NodeAddress("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(NodeAddress("_hidden"), "_hidden");
  for (const char* bad :
       {"unknown", "", "evil<script>", "_a b", "[::1", "999.1.1.1", "host.name"}) {
    EXPECT_EQ(NodeAddress(bad), "") << bad;
  }
}

TEST(RedactTest, HidesKnownSecretsAndKeepsTheRest) {
  const auto redacted = [](std::string_view query, QueryRedaction mode = QueryRedaction::kKnown) {
    std::string out;
    AppendRedactedQuery(out, query, mode);
    return out;
  };
  EXPECT_EQ(redacted("a=1&sig=abc&b=2"), "a=1&sig=REDACTED&b=2");
  EXPECT_EQ(redacted("X-Amz-Signature=x&X-Amz-Date=y&X-Amz-Credential=z&X-Amz-Security-Token=t"),
            "X-Amz-Signature=REDACTED&X-Amz-Date=y&X-Amz-Credential=REDACTED&X-Amz-Security-Token="
            "REDACTED");
  EXPECT_EQ(redacted("AWSAccessKeyId=1&Signature=2&X-Goog-Signature=3"),
            "AWSAccessKeyId=REDACTED&Signature=REDACTED&X-Goog-Signature=REDACTED");
  EXPECT_EQ(redacted("SIG=1"), "SIG=1");  // the conventions' keys match case-sensitively
  EXPECT_EQ(redacted("Access_Token=1&PASSWORD=2&api_key=3"),
            "Access_Token=REDACTED&PASSWORD=REDACTED&api_key=REDACTED");
  EXPECT_EQ(redacted("%73ig=1&tok%65n=2;token=3"),
            "%73ig=REDACTED&tok%65n=REDACTED;token=REDACTED");
  EXPECT_EQ(redacted("token=a=b"), "token=REDACTED");
  EXPECT_EQ(redacted("&&=&a"), "&&=&a");
  EXPECT_EQ(redacted("token"), "token");
  EXPECT_EQ(redacted("%"), "%");
  EXPECT_EQ(redacted("a=1&b=&c", QueryRedaction::kValues), "a=REDACTED&b=REDACTED&REDACTED");
  EXPECT_EQ(redacted("a=1", QueryRedaction::kDrop), "");
}

TEST(RedactTest, TruncatesClientAddresses) {
  EXPECT_EQ(LimitedClientAddress("203.0.113.77", ClientAddress::kFull), "203.0.113.77");
  EXPECT_EQ(LimitedClientAddress("203.0.113.77", ClientAddress::kTruncated), "203.0.113.0");
  EXPECT_EQ(LimitedClientAddress("2001:db8:1:2:3:4:5:6", ClientAddress::kTruncated),
            "2001:db8:1::");
  EXPECT_EQ(LimitedClientAddress("::ffff:203.0.113.77", ClientAddress::kTruncated),
            "::ffff:203.0.113.0");
  EXPECT_EQ(LimitedClientAddress("_hidden", ClientAddress::kTruncated), "");
  EXPECT_EQ(LimitedClientAddress("203.0.113.77", ClientAddress::kOff), "");
}

}  // namespace
}  // namespace wirespan::span
