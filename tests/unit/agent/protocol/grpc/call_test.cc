#include "agent/protocol/grpc/call.h"

#include <gtest/gtest.h>

#include "agent/protocol/grpc/text.h"

namespace wirespan::grpc {
namespace {

using namespace std::chrono_literals;

Call Concluded(Ending ending, std::optional<std::chrono::nanoseconds> timeout = {}) {
  Call call;
  call.timeout = timeout;
  Conclude(ending, call);
  return call;
}

TEST(GrpcCallTest, KeepsAStatusThatWasRead) {
  Call call;
  call.status = 5;
  Conclude({.end = End::kConnection}, call);
  EXPECT_EQ(call.status, 5);
  EXPECT_FALSE(call.status_inferred);
}

TEST(GrpcCallTest, AClientsCancelNearTheTimeoutIsTheDeadline) {
  const auto at = [](std::chrono::nanoseconds elapsed) {
    return Concluded({.end = End::kClientReset, .error_code = 8, .elapsed = elapsed}, 1s);
  };
  EXPECT_EQ(at(979ms).status, kCancelled);
  EXPECT_EQ(at(980ms).status, kDeadlineExceeded);
  EXPECT_EQ(at(2s).status, kDeadlineExceeded);
  EXPECT_TRUE(at(2s).status_inferred);
  EXPECT_EQ(Concluded({.end = End::kClientReset, .error_code = 8, .elapsed = 1h}).status,
            kCancelled);
  EXPECT_EQ(
      Concluded({.end = End::kClientReset, .elapsed = 1h}, std::chrono::nanoseconds::max()).status,
      kCancelled);
}

TEST(GrpcCallTest, AServersResetSpeaksByItsCode) {
  EXPECT_EQ(Concluded({.end = End::kServerReset, .error_code = 7}).status, kUnavailable);
  EXPECT_EQ(Concluded({.end = End::kServerReset, .error_code = 8, .elapsed = 1s}, 1s).status,
            kDeadlineExceeded);
  EXPECT_EQ(Concluded({.end = End::kServerReset}).status, std::nullopt);
}

TEST(GrpcCallTest, WithoutTrailersTheHttpStatusSpeaks) {
  EXPECT_EQ(Concluded({.http_status = 503, .trailers_known = true}).status, kUnavailable);
  EXPECT_EQ(Concluded({.http_status = 200, .trailers_known = true}).status, kUnknown);
  EXPECT_EQ(Concluded({.http_status = 200}).status, std::nullopt);
  EXPECT_FALSE(Concluded({.http_status = 200}).status_inferred);
}

TEST(GrpcCallTest, ALostConnectionIsUnavailable) {
  EXPECT_EQ(Concluded({.end = End::kRefused}).status, kUnavailable);
  EXPECT_EQ(Concluded({.end = End::kConnection}).status, kUnavailable);
}

}  // namespace
}  // namespace wirespan::grpc
