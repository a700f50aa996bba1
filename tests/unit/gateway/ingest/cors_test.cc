// CORS of the receivers over HTTP, as a browser sees it.
#include "gateway/ingest/cors.h"

#include <gmock/gmock.h>

#include "tests/unit/gateway/ingest/fixture.h"

namespace wirespan::gateway::testing {
namespace {

class CorsTest : public ReceiverTest {
 protected:
  void Restart(CorsOptions cors) {
    Door::Pipelines all{.by_signal = {&ground_, &ground_, &ground_}};
    auto http = StartHttpReceiver({.endpoint = "127.0.0.1:0", .cors = std::move(cors)},
                                  std::make_unique<Door>("otlp", "http", all, budget_, registry_));
    ASSERT_TRUE(http);
    http_ = std::move(*http);
  }
  HttpAnswer Ask(const std::string& origin, const std::string& method, const std::string& headers) {
    std::vector<std::string> lines = {"Origin: " + origin,
                                      "Access-Control-Request-Method: " + method};
    if (!headers.empty()) lines.push_back("Access-Control-Request-Headers: " + headers);
    return HttpSend(http_->port(), "OPTIONS", "/v1/traces", lines, "");
  }
  static std::string Origin(const HttpAnswer& answer) {
    return answer.Header("Access-Control-Allow-Origin");
  }
};

TEST_F(CorsTest, AnswersABrowsersQuestion) {
  Restart({.allowed_origins = {"https://*.shop.example", "http://localhost:3000"},
           .allowed_headers = {"X-Tenant"},
           .max_age = std::chrono::seconds(7200)});
  const HttpAnswer answer = Ask("https://www.shop.example", "POST", "content-type, x-tenant");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(Origin(answer), "https://www.shop.example");
  EXPECT_EQ(answer.Header("Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(answer.Header("Access-Control-Allow-Headers"), "content-type, x-tenant");
  EXPECT_EQ(answer.Header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(answer.Header("Access-Control-Max-Age"), "7200");
  EXPECT_EQ(Origin(Ask("http://localhost:3000", "POST", "")), "http://localhost:3000");
}

TEST_F(CorsTest, AllowsNothingThatTheFileDoesNotName) {
  Restart({.allowed_origins = {"https://*.shop.example"}, .allowed_headers = {"X-Tenant"}});
  EXPECT_EQ(Origin(Ask("https://shop.example.evil", "POST", "")), "");
  EXPECT_EQ(Origin(Ask("https://www.shop.example", "DELETE", "")), "");
  EXPECT_EQ(Origin(Ask("https://www.shop.example", "POST", "x-other")), "");
  EXPECT_EQ(Ask("https://www.shop.example", "POST", "").Header("Access-Control-Max-Age"), "");
}

TEST_F(CorsTest, TellsWithEachAnswerWhoMayReadIt) {
  Restart({.allowed_origins = {"https://shop.example"}, .exposed_headers = {"Retry-After", "X-A"}});
  HttpAnswer answer = Proto(Spans(1), {"Origin: https://shop.example"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Origin(answer), "https://shop.example");
  EXPECT_EQ(answer.Header("Access-Control-Expose-Headers"), "Retry-After, X-A");
  EXPECT_EQ(answer.Header("Vary"), "Origin");
  answer = Proto("no protobuf", {"Origin: https://shop.example"});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(Origin(answer), "https://shop.example") << "a page may read why it was refused";
  answer = Proto(Spans(1), {"Origin: https://other.example"});
  EXPECT_EQ(answer.status, 200);  // who asks is a browser's business
  EXPECT_EQ(Origin(answer), "");
}

TEST_F(CorsTest, AStarAllowsEveryone) {
  Restart({.allowed_origins = {"*"}, .allowed_headers = {"*"}});
  EXPECT_EQ(Origin(Ask("null", "POST", "x-anything")), "*");
}

TEST_F(CorsTest, WithoutItOptionsIsAMethodLikeAnyOther) {
  const HttpAnswer answer = Ask("https://shop.example", "POST", "");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(Origin(answer), "");
}

TEST(MatchesOriginTest, AStarStandsForAnything) {
  EXPECT_TRUE(MatchesOrigin("*", "https://a.example"));
  EXPECT_TRUE(MatchesOrigin("http*://a.example", "HTTPS://A.example"));
  EXPECT_FALSE(MatchesOrigin("https://a*a.example", "https://a.example"));  // it can't be shared
  EXPECT_FALSE(MatchesOrigin("https://a.example", "https://a.example:8443"));
}

}  // namespace
}  // namespace wirespan::gateway::testing
