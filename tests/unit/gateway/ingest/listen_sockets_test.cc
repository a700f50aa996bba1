#include "gateway/ingest/listen_sockets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace wirespan::gateway {
namespace {

using ::testing::HasSubstr;

TEST(ListenSocketsTest, ASocketIsHandedOnToTheNextSet) {
  ListenSockets all;
  std::optional<ListenSockets::Set> old(all);
  const auto first = old->Get("otlp/grpc", "127.0.0.1:0", false);
  ASSERT_TRUE(first) << first.error().message;
  const int fd = (*first)->fd.get();
  ListenSockets::Set next(all);
  EXPECT_EQ((*next.Get("otlp/grpc", "127.0.0.1:0", false))->fd.get(), fd);
  old.reset();
  ListenSockets::Set last(all);
  EXPECT_EQ((*last.Get("otlp/grpc", "127.0.0.1:0", false))->fd.get(), fd);
}

TEST(ListenSocketsTest, TheSameAddressTwiceInASetIsInUse) {
  ListenSockets all;
  ListenSockets::Set set(all);
  const std::uint16_t port = (*set.Get("a", "127.0.0.1:0", false))->port;
  ListenSockets::Set other(all);
  const std::string endpoint = fmt::format("127.0.0.1:{}", port);
  ASSERT_TRUE(other.Get("a", endpoint, false));
  EXPECT_THAT(other.Get("b", endpoint, false).error().message,
              HasSubstr("listen on " + endpoint + ": Address already in use"));
  EXPECT_NE((*other.Get("x", "127.0.0.1:0", false))->port,
            (*other.Get("y", "127.0.0.1:0", false))->port);
}

TEST(ListenSocketsTest, SomebodyElsesPortIsInUse) {
  ListenSockets ours;
  ListenSockets theirs;
  ListenSockets::Set their_set(theirs);
  const std::uint16_t port = (*their_set.Get("a", "127.0.0.1:0", false))->port;
  ListenSockets::Set our_set(ours);
  EXPECT_THAT(our_set.Get("a", fmt::format("127.0.0.1:{}", port), false).error().message,
              HasSubstr("Address already in use"));
}

TEST(ListenSocketsTest, OurOwnPortUnderAnotherNameIsShared) {
  ListenSockets all;
  ListenSockets::Set old(all);
  const std::uint16_t port = (*old.Get("a", "127.0.0.1:0", false))->port;
  ListenSockets::Set next(all);
  const auto other = next.Get("a", fmt::format("0.0.0.0:{}", port), false);
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ((*other)->port, port);
}

}  // namespace
}  // namespace wirespan::gateway
