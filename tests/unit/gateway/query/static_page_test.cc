#include "gateway/query/static_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "common/otlp/compress.h"

namespace wirespan::gateway::query {
namespace {

std::string Packed(std::string_view text) {
  otlp::Compressor compressor;
  std::string packed;
  compressor.Compress(otlp::Encoding::kGzip, text, packed);
  return packed;
}

class StaticPageTest : public ::testing::Test {
 protected:
  http::Response Get(std::string path, http::Headers headers = {}) const {
    return AnswerStatic({.method = "GET", .path = std::move(path), .headers = std::move(headers)},
                        files_);
  }
  static std::string Header(const http::Response& response, std::string_view name) {
    return std::string(http::FindHeader(response.headers, name).value_or(""));
  }

  const std::string code_ = Packed("code()");
  const std::string index_ = Packed("<!doctype html>");
  const std::array<StaticFile, 2> files_ = {
      {{"/assets/a.js", "text/javascript; charset=utf-8", code_, "\"1\""},
       {"/index.html", "text/html; charset=utf-8", index_, "\"2\""}}};
};

TEST_F(StaticPageTest, AddressesOfThePageAreItsIndex) {
  for (const char* path : {"/", "/index.html", "/service/shop", "/trace/17"}) {
    const http::Response response = Get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.body, "<!doctype html>") << path;
    EXPECT_EQ(Header(response, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(Header(response, "Cache-Control"), "no-cache");
  }
  EXPECT_EQ(Get("/assets/a.js").body, "code()");
  EXPECT_THAT(Header(Get("/assets/a.js"), "Cache-Control"), ::testing::HasSubstr("immutable"));
  EXPECT_EQ(Get("/assets/b.js").status, 404);
  EXPECT_EQ(Get("/../etc/passwd.txt").status, 404);
}

TEST_F(StaticPageTest, GoesOutAsItIsToThoseWhoInflate) {
  for (const char* accepts : {"gzip", "br, GZIP;q=0.5", "*"}) {
    const http::Response response = Get("/", {{"accept-encoding", accepts}});
    EXPECT_EQ(response.body, index_) << accepts;
    EXPECT_EQ(Header(response, "Content-Encoding"), "gzip");
  }
  for (const char* accepts : {"", "br", "gzip;q=0", "identity"}) {
    const http::Response response = Get("/", {{"accept-encoding", accepts}});
    EXPECT_EQ(response.body, "<!doctype html>") << accepts;
    EXPECT_EQ(Header(response, "Content-Encoding"), "");
  }
}

TEST_F(StaticPageTest, WhatTheClientHasIsNotSentAgain) {
  for (const char* tags : {"\"2\"", "W/\"2\"", "\"1\", \"2\"", "*"}) {
    const http::Response response = Get("/", {{"If-None-Match", tags}});
    EXPECT_EQ(response.status, 304) << tags;
    EXPECT_TRUE(response.body.empty());
    EXPECT_EQ(Header(response, "ETag"), "\"2\"");
  }
  EXPECT_EQ(Get("/", {{"If-None-Match", "\"1\""}}).status, 200);
}

TEST_F(StaticPageTest, EveryAnswerIsLockedDown) {
  for (const char* path : {"/", "/assets/a.js", "/no.such"}) {
    const http::Response response = Get(path);
    const std::string policy = Header(response, "Content-Security-Policy");
    EXPECT_THAT(policy, ::testing::HasSubstr("default-src 'self'"));
    EXPECT_THAT(policy, ::testing::HasSubstr("frame-ancestors 'none'"));
    EXPECT_EQ(Header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(Header(response, "Referrer-Policy"), "no-referrer");
  }
}

TEST_F(StaticPageTest, AnswersQuestionsAlone) {
  EXPECT_EQ(AnswerStatic({.method = "HEAD", .path = "/"}, files_).status, 200);
  const http::Response refused = AnswerStatic({.method = "POST", .path = "/"}, files_);
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(Header(refused, "Allow"), "GET, HEAD");
}

TEST_F(StaticPageTest, ABuildWithoutAPageSaysSo) {
  const http::Response response = AnswerStatic({.method = "GET", .path = "/"}, {});
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, ::testing::HasSubstr("no page"));
}

}  // namespace
}  // namespace wirespan::gateway::query
