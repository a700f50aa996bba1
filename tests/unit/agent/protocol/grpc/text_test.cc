#include "agent/protocol/grpc/text.h"

#include <gtest/gtest.h>

namespace wirespan::grpc {
namespace {

using namespace std::chrono_literals;

TEST(GrpcTextTest, FindsStatusesByTheirNames) {
  for (int status = 0; status < kStatuses; ++status) {
    EXPECT_EQ(StatusByName(StatusName(status)), status);
  }
  EXPECT_EQ(StatusByName("not_found"), 5);
  EXPECT_EQ(StatusByName("NOT_FOUN"), std::nullopt);
  EXPECT_EQ(StatusByName(""), std::nullopt);
}

TEST(GrpcTextTest, KnowsItsContentTypes) {
  EXPECT_TRUE(IsGrpc("application/grpc"));
  EXPECT_TRUE(IsGrpc("application/grpc+proto"));
  EXPECT_TRUE(IsGrpc("application/grpc;charset=utf-8"));
  EXPECT_TRUE(IsGrpc("Application/gRPC+json"));
  EXPECT_FALSE(IsGrpc("application/grpc-web"));
  EXPECT_FALSE(IsGrpc("application/grpc-web+proto"));
  EXPECT_FALSE(IsGrpc("application/grp"));
  EXPECT_FALSE(IsGrpc("application/json"));
  EXPECT_FALSE(IsGrpc(""));
}

TEST(GrpcTextTest, ReadsTimeouts) {
  EXPECT_EQ(ParseTimeout("1H"), 1h);
  EXPECT_EQ(ParseTimeout("2M"), 2min);
  EXPECT_EQ(ParseTimeout("3S"), 3s);
  EXPECT_EQ(ParseTimeout("100m"), 100ms);
  EXPECT_EQ(ParseTimeout("99999999u"), 99999999us);
  EXPECT_EQ(ParseTimeout("0n"), 0ns);
  EXPECT_EQ(ParseTimeout("99999999H"), std::chrono::nanoseconds::max());
  for (const char* bad : {"", "m", "1", "1s", "-1S", "123456789m", "1.5S", "S1", "1 S"}) {
    EXPECT_EQ(ParseTimeout(bad), std::nullopt) << bad;
  }
}

TEST(GrpcTextTest, ReadsAndNamesStatuses) {
  EXPECT_EQ(ParseStatus("0"), kOk);
  EXPECT_EQ(ParseStatus("5"), 5);
  EXPECT_EQ(ParseStatus("16"), kUnauthenticated);
  for (const char* odd : {"17", "-1", "", "x", "1234", "1x"}) EXPECT_EQ(ParseStatus(odd), kUnknown);
  EXPECT_EQ(StatusName(5), "NOT_FOUND");
  EXPECT_EQ(StatusName(kUnauthenticated), "UNAUTHENTICATED");
  EXPECT_EQ(StatusName(17), "UNKNOWN");
  EXPECT_EQ(StatusName(-1), "UNKNOWN");
}

TEST(GrpcTextTest, DecodesMessages) {
  EXPECT_EQ(DecodeMessage("no such user", 100), "no such user");
  EXPECT_EQ(DecodeMessage("100%25 gr%C3%BCn%0a", 100), "100% gr\xc3\xbcn\n");
  EXPECT_EQ(DecodeMessage("%", 100), "%");
  EXPECT_EQ(DecodeMessage("%4", 100), "%4");
  EXPECT_EQ(DecodeMessage("%zz%4G", 100), "%zz%4G");
  EXPECT_EQ(DecodeMessage("%41", 100), "A");
  EXPECT_EQ(DecodeMessage("abcdef", 3), "abc");
}

TEST(GrpcTextTest, MapsWhatIsNoGrpcStatus) {
  EXPECT_EQ(StatusFromHttp(404), kUnimplemented);
  EXPECT_EQ(StatusFromHttp(503), kUnavailable);
  EXPECT_EQ(StatusFromHttp(418), kUnknown);
  EXPECT_EQ(StatusFromReset(7), kUnavailable);
  EXPECT_EQ(StatusFromReset(8), kCancelled);
  EXPECT_EQ(StatusFromReset(11), kResourceExhausted);
  EXPECT_EQ(StatusFromReset(2), kInternal);
  EXPECT_EQ(StatusFromReset(0xffffffff), kUnknown);
}

}  // namespace
}  // namespace wirespan::grpc
