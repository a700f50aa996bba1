// Each way of moving bytes, over each family, against each backend: both ends' streams are put
// together from events and compared with what was really sent.
#include <thread>

#include "tests/kernel/capture/backend_test.h"
#include "tests/kernel/capture/ways.h"

namespace wirespan::kernel_test {
namespace {

using Parameter = std::tuple<std::string, Kind, Way>;

class MovingBytesTest : public CaptureTest, public testing::WithParamInterface<Parameter> {
 protected:
  void SetUp() override { UseBackend(std::get<0>(GetParam())); }
  Kind kind() const { return std::get<1>(GetParam()); }
  const Way& way() const { return std::get<2>(GetParam()); }

  // All offsets and lengths, no wrong byte, and the heads of `messages` messages, which follow each
  // other in `sent`.
  static void ExpectCarries(const char* what, const Stream& stream,
                            const std::vector<std::string>& messages) {
    SCOPED_TRACE(what);
    std::string sent;
    for (const auto& message : messages) {
      EXPECT_TRUE(stream.HasCaptured(sent.size(), sent.size() + message.find("\r\n\r\n") + 4));
      sent += message;
    }
    EXPECT_TRUE(Carries(stream, sent));
    EXPECT_LE(stream.captured_bytes(), 65536u);
  }

  void Exchange(const std::vector<std::string>& requests,
                const std::vector<std::string>& responses) {
    auto [client, server] = Connected(kind());
    const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
    std::size_t up = 0, down = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      // Threads, because a body may be longer than what the socket holds.
      std::thread other([&, fd = server.get()] {
        EXPECT_EQ(way().receive(fd, requests[i].size()), requests[i]);
        way().send(fd, responses[i]);
      });
      way().send(client.get(), requests[i]);
      EXPECT_EQ(way().receive(client.get(), responses[i].size()), responses[i]);
      other.join();
      up += requests[i].size();
      down += responses[i].size();
    }
    client.reset();
    server.reset();

    const auto at_client = Told(client_name, down, up), at_server = Told(server_name, up, down);
    ExpectCarries("client's writes", at_client.written, requests);
    ExpectCarries("client's reads", at_client.read, responses);
    ExpectCarries("server's reads", at_server.read, requests);
    ExpectCarries("server's writes", at_server.written, responses);
    EXPECT_FALSE(at_client.open.joined_late);
    EXPECT_EQ(at_client.open.pid, static_cast<std::uint32_t>(getpid()));
    if (kind() != Kind::kUnix) {
      EXPECT_EQ(at_client.open.opener, connection::Opener::kLocal);
      EXPECT_EQ(at_server.open.opener, connection::Opener::kRemote);
    }
  }
};

TEST_P(MovingBytesTest, ShortMessagesAreToldAtBothEnds) {
  std::vector<std::string> requests, responses;
  for (int i = 0; i < 3; ++i) {
    requests.push_back(Post("/" + way().name + "/" + std::to_string(i), 60));
    responses.push_back(Response(40));
  }
  Exchange(requests, responses);
}

TEST_P(MovingBytesTest, LongBodiesAreToldByTheirLengths) {
  Exchange({Post("/long", 200'000), Post("/next", 10)}, {Response(300'000), Response(20)});
}

INSTANTIATE_TEST_SUITE_P(Each, MovingBytesTest,
                         testing::Combine(testing::ValuesIn(Backends()),
                                          testing::Values(Kind::kInet, Kind::kInet6, Kind::kUnix),
                                          testing::ValuesIn(Ways())),
                         [](const testing::TestParamInfo<Parameter>& info) {
                           return std::get<0>(info.param) + "_" +
                                  KindName(std::get<1>(info.param)) + "_" +
                                  std::get<2>(info.param).name;
                         });

}  // namespace
}  // namespace wirespan::kernel_test
