#include "gateway/sink/proxy_choice.h"

#include <gtest/gtest.h>

namespace wirespan::gateway {
namespace {

const ProxyOptions kEnvironment{.environment = {.http_proxy = "http://plain:3128",
                                                .https_proxy = "tunnel:3129",
                                                .no_proxy = "direct.example,.svc,10.0.0.0/8"}};

TEST(ProxyChoiceTest, FollowsTheEnvironmentAsGoProgramsDo) {
  const auto of = [](const char* url) { return ProxyForUrl(kEnvironment, url).value(); };
  EXPECT_EQ(of("http://backend:4318/v1/traces"), "http://plain:3128");
  EXPECT_EQ(of("https://backend/v1/traces"), "http://tunnel:3129");
  for (const char* url : {"http://localhost:4318", "http://127.0.0.1:4318", "http://[::1]:4318",
                          "https://direct.example", "https://below.direct.example",
                          "http://tempo.tracing.svc:4318", "http://10.1.2.3:4318"}) {
    EXPECT_EQ(of(url), "") << url;
  }
  EXPECT_EQ(ProxyForUrl({}, "http://backend").value(), "");
}

TEST(ProxyChoiceTest, AsksForATunnelForEveryTargetOfGrpcThatHasAName) {
  const auto of = [](const char* target) { return ProxyForGrpc(kEnvironment, target).value(); };
  for (const char* target : {"backend:4317", "backend", "dns:backend:4317", "dns:///backend:4317",
                             "dns://192.0.2.1/backend:4317", "[2001:db8::1]:4317"}) {
    EXPECT_EQ(of(target), "http://tunnel:3129") << target;
  }
  for (const char* target : {"localhost:4317", "dns:///direct.example:4317", "unix:/run/otlp.sock",
                             "unix-abstract:otlp", "ipv4:192.0.2.1:4317", "10.1.2.3:4317"}) {
    EXPECT_EQ(of(target), "") << target;
  }
}

TEST(ProxyChoiceTest, AWrittenProxyWinsAndIsForEverything) {
  ProxyOptions options = kEnvironment;
  options.url = "http://user:word@written:1";
  EXPECT_EQ(ProxyForUrl(options, "http://localhost:4318").value(), options.url);
  EXPECT_EQ(ProxyForGrpc(options, "direct.example:4317").value(), options.url);
}

TEST(ProxyChoiceTest, WhatCannotBeUsedIsToldByTheKeyThatHoldsIt) {
  EXPECT_TRUE(CheckProxy("proxy_url", ""));
  EXPECT_EQ(CheckProxy("proxy_url", "https://h").error().message,
            "proxy_url: only proxies with http:// are supported");
  EXPECT_EQ(CheckProxy("proxy_url", "socks5://h").error().message,
            "proxy_url: URL is neither http nor https");
  ProxyOptions options;
  options.environment.https_proxy = "https://h";
  EXPECT_EQ(ProxyForGrpc(options, "backend:4317").error().message,
            "HTTPS_PROXY: only proxies with http:// are supported");
  EXPECT_TRUE(ProxyForGrpc(options, "localhost:4317")) << "nobody asks it";
}

}  // namespace
}  // namespace wirespan::gateway
