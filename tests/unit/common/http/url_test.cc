#include "common/http/url.h"

#include <gtest/gtest.h>

#include <map>

#include "common/http/proxy.h"

namespace wirespan::http {
namespace {

TEST(UrlTest, TakesUrlsApart) {
  const auto url = ParseUrl("https://us%20er:p%40ss@Example.COM:8443/v1/traces?x=1#frag");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->user, "us er");
  EXPECT_EQ(url->password, "p@ss");
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target(), "/v1/traces?x=1");
  EXPECT_EQ(url->authority(), "example.com:8443");
}

TEST(UrlTest, KnowsDefaultsAndIpv6) {
  EXPECT_EQ(ParseUrl("http://h")->port, 80);
  EXPECT_EQ(ParseUrl("http://h")->target(), "/");
  EXPECT_EQ(ParseUrl("https://h")->port, 443);
  EXPECT_EQ(ParseUrl("https://h:443")->host_header(), "h");
  EXPECT_EQ(ParseUrl("http://h?q")->target(), "/?q");
  const auto v6 = ParseUrl("http://[::1]:4318/x");
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->host_header(), "[::1]:4318");
}

TEST(UrlTest, RefusesTheRestInASentence) {
  for (const char* bad :
       {"", "h:80", "ftp://h/", "http://", "http:///x", "http://h:0", "http://h:65536",
        "http://h:x", "http://[::1", "http://[zz]/", "http://[::1]x", "http://a b/",
        "http://h/\r\nX: y", "http://h\\x", "http://u%zz@h", "http://h/\xC3\xBC", "http://u%0a@h/",
        "http://[1.2.3.4]/"}) {
    EXPECT_FALSE(ParseUrl(bad).has_value()) << bad;
  }
  EXPECT_FALSE(ParseUrl("http://h/" + std::string(9000, 'x')).has_value());
  EXPECT_EQ(ParseUrl("localhost:4318").error().message, "URL lacks \"http://\" or \"https://\"");
  EXPECT_EQ(ParseUrl("http://user:secret@h:x").error().message.find("secret"), std::string::npos);
}

bool Direct(const char* url, const char* no_proxy) {
  return BypassesProxy(*ParseUrl(url), no_proxy);
}

TEST(NoProxyTest, FollowsGoPrograms) {
  EXPECT_TRUE(Direct("http://localhost:1/", ""));
  EXPECT_TRUE(Direct("http://127.8.8.8/", ""));
  EXPECT_TRUE(Direct("http://[::1]/", ""));
  EXPECT_FALSE(Direct("http://example.com/", ""));
  EXPECT_TRUE(Direct("http://example.com/", "*"));
  EXPECT_TRUE(Direct("http://example.com/", "foo, Example.com"));
  EXPECT_TRUE(Direct("http://a.example.com/", "example.com"));
  EXPECT_FALSE(Direct("http://badexample.com/", "example.com"));
  EXPECT_FALSE(Direct("http://example.com/", ".example.com"));
  EXPECT_TRUE(Direct("http://a.example.com/", ".example.com"));
  EXPECT_TRUE(Direct("http://a.example.com/", "*.example.com"));
  EXPECT_TRUE(Direct("http://example.com:81/", "example.com:81"));
  EXPECT_FALSE(Direct("http://example.com:82/", "example.com:81"));
  EXPECT_TRUE(Direct("http://10.1.2.3/", "10.0.0.0/8"));
  EXPECT_FALSE(Direct("http://11.1.2.3/", "10.0.0.0/8"));
  EXPECT_TRUE(Direct("http://[fd00::1]/", "fd00::/8"));
  EXPECT_FALSE(Direct("http://10.1.2.3/", "10.0.0.0/99"));
  EXPECT_TRUE(Direct("http://192.0.2.1/", "192.0.2.1"));
  EXPECT_TRUE(Direct("http://[fd00::1]:99/", "[fd00::1]:99"));
  EXPECT_FALSE(Direct("http://example.com/", ",,/,:,.,[]"));
}

TEST(NoProxyTest, LowerCaseVariablesWinAndCgiIsNotFooled) {
  std::map<std::string, const char*> environment = {{"HTTP_PROXY", "http://upper"},
                                                    {"https_proxy", "http://lower"},
                                                    {"HTTPS_PROXY", "http://upper"}};
  const auto lookup = [&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second;
  };
  EXPECT_EQ(ProxyFromEnvironment(lookup).http_proxy, "http://upper");
  EXPECT_EQ(ProxyFromEnvironment(lookup).https_proxy, "http://lower");
  environment["REQUEST_METHOD"] = "GET";
  EXPECT_EQ(ProxyFromEnvironment(lookup).http_proxy, "");
}

}  // namespace
}  // namespace wirespan::http
