#include "agent/protocol/grpc/message_counter.h"

#include <gtest/gtest.h>
// rapidcheck wants gtest before it
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace wirespan::grpc {
namespace {

std::string Message(std::size_t bytes) {
  std::string out(5, '\0');
  for (std::size_t i = 0; i < 4; ++i) out[4 - i] = static_cast<char>(bytes >> (8 * i));
  return out + std::string(bytes, '\x01');
}

TEST(MessageCounterTest, CountsAtEveryCut) {
  const std::string stream = Message(3) + Message(0) + Message(300);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    MessageCounter counter;
    counter.OnBytes(std::string_view(stream).substr(0, cut));
    counter.OnBytes(std::string_view(stream).substr(cut));
    EXPECT_EQ(counter.messages(), 3u) << cut;
    EXPECT_EQ(counter.bytes(), 303u) << cut;
    EXPECT_FALSE(counter.inside()) << cut;
    EXPECT_TRUE(counter.exact()) << cut;
  }
}

TEST(MessageCounterTest, SkipsAGapInsideAMessage) {
  MessageCounter counter;
  counter.OnBytes(Message(8u << 20).substr(0, 5));
  counter.OnGap(8u << 20);
  counter.OnBytes(Message(1));
  EXPECT_EQ(counter.messages(), 2u);
  EXPECT_EQ(counter.bytes(), (8u << 20) + 1);
  EXPECT_TRUE(counter.exact());
}

TEST(MessageCounterTest, AfterAGapOverALengthItGoesOnWithAFrameThatIsOneMessage) {
  MessageCounter counter;
  counter.OnBytes(Message(10));
  counter.OnGap(15);
  EXPECT_FALSE(counter.exact());
  counter.BeginFrame(40);  // not one message
  counter.OnBytes(Message(15) + Message(15));
  EXPECT_EQ(counter.messages(), 1u);
  counter.BeginFrame(20);
  counter.OnBytes(Message(15));
  counter.OnBytes(Message(15));
  EXPECT_EQ(counter.messages(), 3u);
  EXPECT_FALSE(counter.exact());
}

RC_GTEST_PROP(MessageCounterTest, NeverCountsMoreThanThereAre, ()) {
  const auto sizes =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 50));
  std::string stream;
  std::size_t bytes = 0;
  for (const std::size_t size : sizes) {
    stream += Message(size);
    bytes += size;
  }
  MessageCounter counter;
  std::string_view rest = stream;
  while (!rest.empty()) {
    const auto n = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
    if (*rc::gen::weightedElement<bool>({{3, true}, {1, false}})) {
      counter.OnBytes(rest.substr(0, n));
    } else {
      counter.OnGap(n);
    }
    rest.remove_prefix(n);
  }
  RC_ASSERT(counter.messages() <= sizes.size());
  RC_ASSERT(counter.bytes() <= bytes);
  if (counter.exact()) RC_ASSERT(counter.messages() == sizes.size() && counter.bytes() == bytes);
}

}  // namespace
}  // namespace wirespan::grpc
