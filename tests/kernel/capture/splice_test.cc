#include "tests/kernel/capture/backend_test.h"
#include "tests/kernel/capture/ways.h"

namespace wirespan::kernel_test {
namespace {

// By default nothing looks for splice before there is a sign of it (capture.splice).
class SpliceTest : public CaptureTest,
                   public testing::WithParamInterface<std::tuple<std::string, Kind>> {
 protected:
  void SetUp() override { StartLater(std::get<0>(GetParam())); }
  Kind kind() const { return std::get<1>(GetParam()); }

  static const Way& WayCalled(std::string_view name) {
    for (const auto& way : Ways())
      if (way.name == name) return way;
    throw std::runtime_error("no such way");
  }

  // One exchange over a connection of its own; the answer is read by splice. Says whether it was
  // told to its end.
  bool AnswerSplicedToAPipeIsTold() {
    auto [client, server] = Connected(kind());
    const auto name = NameOf(client.get());
    const auto request = Request("/spliced"), response = Response(10'000);
    SendAll(client.get(), request);
    EXPECT_EQ(ReceiveExactly(server.get(), request.size()), request);
    SendAll(server.get(), response);
    EXPECT_EQ(WayCalled("splice_out").receive(client.get(), response.size()), response);
    // What comes behind it in the same ring is told, so nothing more of it will be.
    const auto last = Request("/behind");
    SendAll(client.get(), last);
    std::optional<Seen> seen;
    EXPECT_TRUE(capture().WaitFor([&] {
      seen = capture().Find(name);
      return seen && seen->written.end() >= request.size() + last.size();
    }));
    return seen && seen->read.end() == response.size() && seen->read.IsWhole();
  }
};

TEST_P(SpliceTest, IsSeenSoonAfterTheFirstOfTheMachine) {
  StartOwn({});
  RETURN_IF_SKIPPED();
  // What leaves a pipe for a socket is the sign.
  auto [client, server] = Connected(kind());
  const auto response = Response(1000);
  WayCalled("splice_in").send(server.get(), response);
  ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
  EXPECT_TRUE(capture().WaitFor([this] { return AnswerSplicedToAPipeIsTold(); }))
      << "splice is not seen although something splices";
}

TEST_P(SpliceTest, AHoleIsASignTooAndTheStreamGoesOnBehindIt) {
  StartOwn({});
  RETURN_IF_SKIPPED();
  auto [client, server] = Connected(kind());
  const auto name = NameOf(client.get());
  const auto first = Response(10'000), second = Response(10);
  SendAll(server.get(), first);
  ASSERT_EQ(WayCalled("splice_out").receive(client.get(), first.size()), first);
  SendAll(server.get(), second);
  ASSERT_EQ(ReceiveExactly(client.get(), second.size()), second);
  const auto seen = Told(name, first.size() + second.size(), 0);
  EXPECT_TRUE(seen.read.Agrees(first + second, 0));
  EXPECT_TRUE(capture().WaitFor([this] { return AnswerSplicedToAPipeIsTold(); }))
      << "splice is not seen although bytes went by unseen";
}

std::string NameOfCase(const testing::TestParamInfo<std::tuple<std::string, Kind>>& info) {
  return std::get<0>(info.param) + "_" + KindName(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Each, SpliceTest,
                         testing::Combine(testing::ValuesIn(Backends()),
                                          testing::Values(Kind::kInet, Kind::kUnix)),
                         NameOfCase);

}  // namespace
}  // namespace wirespan::kernel_test
