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

  // Where a way shows no bytes, lengths and offsets still have to be right.
  static void ExpectCarries(const Stream& stream, std::string_view sent, bool shows_bytes) {
    if (shows_bytes) {
      EXPECT_TRUE(CarriesEveryByte(stream, sent));
    } else {
      EXPECT_TRUE(Carries(stream, sent));
      for (const auto& event : stream.data())
        EXPECT_TRUE(event.no_buffer || !event.captured.empty());
    }
  }
};

TEST_P(MovingBytesTest, BothEndsAreToldOfRequestsAndAnswers) {
  auto [client, server] = Connected(kind());
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  std::string up, down;
  for (int round = 0; round < 3; ++round) {
    const auto request = Request("/" + way().name + "/" + std::to_string(round)),
               response = Response(40);
    way().send(client.get(), request);
    ASSERT_EQ(way().receive(server.get(), request.size()), request);
    way().send(server.get(), response);
    ASSERT_EQ(way().receive(client.get(), response.size()), response);
    up += request;
    down += response;
  }
  client.reset();
  server.reset();

  const auto at_client = Told(client_name, down.size(), up.size());
  const auto at_server = Told(server_name, up.size(), down.size());
  {
    SCOPED_TRACE("client's writes");
    ExpectCarries(at_client.written, up, way().send_shows_bytes);
  }
  {
    SCOPED_TRACE("client's reads");
    ExpectCarries(at_client.read, down, way().receive_shows_bytes);
  }
  {
    SCOPED_TRACE("server's reads");
    ExpectCarries(at_server.read, up, way().receive_shows_bytes);
  }
  {
    SCOPED_TRACE("server's writes");
    ExpectCarries(at_server.written, down, way().send_shows_bytes);
  }
  EXPECT_FALSE(at_client.open.joined_late);
  EXPECT_EQ(at_client.open.pid, static_cast<std::uint32_t>(getpid()));
  if (kind() != Kind::kUnix) {
    EXPECT_EQ(at_client.open.opener, connection::Opener::kLocal);
    EXPECT_EQ(at_server.open.opener, connection::Opener::kRemote);
  }
}

TEST_P(MovingBytesTest, ALongBodyIsToldByItsLength) {
  auto [client, server] = Connected(kind());
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/long"), response = Response(300'000);
  way().send(client.get(), request);
  ASSERT_EQ(way().receive(server.get(), request.size()), request);
  std::thread sender([&, fd = server.get()] { way().send(fd, response); });
  const auto received = way().receive(client.get(), response.size());
  sender.join();
  ASSERT_EQ(received, response);
  client.reset();
  server.reset();

  const auto at_client = Told(client_name, response.size(), request.size());
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(Carries(at_client.read, response));
  EXPECT_TRUE(Carries(at_server.written, response));
  if (way().receive_shows_bytes) {
    EXPECT_TRUE(at_client.read.HasCaptured(0, response.find("\r\n\r\n") + 4));
  }
  if (way().send_shows_bytes) {
    EXPECT_TRUE(at_server.written.HasCaptured(0, response.find("\r\n\r\n") + 4));
  }
  EXPECT_LE(at_client.read.captured_bytes(), 65536u);
  EXPECT_LE(at_server.written.captured_bytes(), 65536u);
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
