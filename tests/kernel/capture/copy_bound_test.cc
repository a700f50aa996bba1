// Headers are copied, bodies are not; the kernel alone keeps the bound.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

constexpr std::size_t kBody = 5u << 20;

class CopyBoundTest : public BackendTest {
 protected:
  struct Ends {
    Seen client{};
    Seen server{};
  };
  // Moves `up` and then `down`, each by its own function, and waits until all of it was told.
  Ends Move(const std::string& up, const std::string& down,
            const std::function<void(int, std::string_view)>& send) {
    auto [client, server] = TcpPair();
    const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
    std::thread other([&, fd = server.get()] {
      EXPECT_EQ(ReceiveExactly(fd, up.size()).size(), up.size());
      send(fd, down);
    });
    send(client.get(), up);
    EXPECT_EQ(ReceiveExactly(client.get(), down.size()), down);
    other.join();
    client.reset();
    server.reset();
    return {.client = Told(client_name, down.size(), up.size()),
            .server = Told(server_name, up.size(), down.size())};
  }
  static void InPieces(int fd, std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 65536)))
      SendAll(fd, bytes.substr(0, 65536));
  }
  static std::string BigRequest() {
    return "POST /up HTTP/1.1\r\nHost: test.example\r\nContent-Length: " + std::to_string(kBody) +
           "\r\n\r\n" + std::string(kBody, 'u');
  }
};

TEST_P(CopyBoundTest, FiveMegabytesUpAndDownByWrite) {
  const auto up = BigRequest(), down = Response(kBody);
  const auto ends = Move(up, down, InPieces);
  for (const auto* end : {&ends.client, &ends.server}) {
    const bool is_client = end == &ends.client;
    EXPECT_TRUE(Carries(is_client ? end->written : end->read, up));
    EXPECT_TRUE(Carries(is_client ? end->read : end->written, down));
    EXPECT_LT(end->read.captured_bytes() + end->written.captured_bytes(), 65536u);
    EXPECT_TRUE((is_client ? end->written : end->read).HasCaptured(0, up.find("\r\n\r\n") + 4));
    EXPECT_TRUE((is_client ? end->read : end->written).HasCaptured(0, down.find("\r\n\r\n") + 4));
  }
}

TEST_P(CopyBoundTest, FiveMegabytesBySendfileAfterTheHead) {
  const auto up = Request("/file"), down = Response(kBody);
  const auto ends = Move(up, down, [&](int fd, std::string_view bytes) {
    const auto head = bytes.find("\r\n\r\n") + 4;
    SendAll(fd, bytes.substr(0, head));
    UniqueFd file(memfd_create("body", MFD_CLOEXEC));
    SendAll(file.get(), bytes.substr(head));
    for (off_t at = 0; at < static_cast<off_t>(bytes.size() - head);) {
      ASSERT_GT(sendfile(fd, file.get(), &at, bytes.size() - head - static_cast<std::size_t>(at)),
                0);
    }
  });
  EXPECT_TRUE(Carries(ends.server.written, down));
  EXPECT_TRUE(ends.server.written.HasCaptured(0, down.find("\r\n\r\n") + 4));
  EXPECT_EQ(ends.server.written.captured_bytes(), down.find("\r\n\r\n") + 4)
      << "a call without a buffer is a length";
  EXPECT_TRUE(Carries(ends.client.read, down));
  EXPECT_LT(ends.server.written.captured_bytes() + ends.client.read.captured_bytes(), 65536u);
}

TEST_P(CopyBoundTest, TheNextRequestAfterABigBodyIsCaptured) {
  const auto up = BigRequest(), down = Response(kBody);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  std::string all_up, all_down;
  for (int i = 0; i < 3; ++i) {
    std::thread other([&, fd = server.get()] {
      EXPECT_EQ(ReceiveExactly(fd, up.size()).size(), up.size());
      InPieces(fd, down);
    });
    InPieces(client.get(), up);
    EXPECT_EQ(ReceiveExactly(client.get(), down.size()).size(), down.size());
    other.join();
    all_up += up;
    all_down += down;
  }
  client.reset();
  server.reset();
  const auto at_client = Told(client_name, all_down.size(), all_up.size());
  const auto at_server = Told(server_name, all_up.size(), all_down.size());
  for (std::size_t i = 0; i < 3; ++i) {
    SCOPED_TRACE(i);
    const auto from_up = i * up.size(), from_down = i * down.size();
    EXPECT_TRUE(at_client.written.HasCaptured(from_up, from_up + up.find("\r\n\r\n") + 4));
    EXPECT_TRUE(at_server.read.HasCaptured(from_up, from_up + up.find("\r\n\r\n") + 4));
    EXPECT_TRUE(at_server.written.HasCaptured(from_down, from_down + down.find("\r\n\r\n") + 4));
    EXPECT_TRUE(at_client.read.HasCaptured(from_down, from_down + down.find("\r\n\r\n") + 4));
  }
  EXPECT_TRUE(Carries(at_client.written, all_up));
  EXPECT_TRUE(Carries(at_server.written, all_down));
}

TEST_P(CopyBoundTest, ATwelveKilobyteHeadIsCapturedWhole) {
  const auto head = RequestOfSize(12288);
  const auto ends = Move(head, Response(1), InPieces);
  EXPECT_TRUE(CarriesEveryByte(ends.client.written, head));
  EXPECT_TRUE(CarriesEveryByte(ends.server.read, head));
}

TEST_P(CopyBoundTest, ATwelveKilobyteHeadInSmallPiecesIsCapturedWhole) {
  const auto head = RequestOfSize(12288);
  const auto ends = Move(head, Response(1), [](int fd, std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 700)))
      SendAll(fd, bytes.substr(0, 700));
  });
  EXPECT_TRUE(CarriesEveryByte(ends.client.written, head));
  EXPECT_TRUE(CarriesEveryByte(ends.server.read, head));
}

TEST_P(CopyBoundTest, ATwentyKilobyteHeadIsCapturedToTheBound) {
  const auto head = RequestOfSize(20480);
  const auto ends = Move(head, Response(1), InPieces);
  for (const auto* stream : {&ends.client.written, &ends.server.read}) {
    EXPECT_TRUE(Carries(*stream, head));
    EXPECT_TRUE(stream->HasCaptured(0, 16384));
  }
}

TEST_P(CopyBoundTest, EveryChunkLineIsCaptured) {
  std::mt19937 random(7);
  const std::string start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string down = start;
  std::vector<std::pair<std::size_t, std::size_t>> lines{{0, start.size()}};
  std::vector<std::size_t> cuts;
  for (int i = 0; i < 60; ++i) {
    const std::size_t size = 1 + random() % (i % 7 == 0 ? 20000 : 3000);
    char line[32];
    const auto length =
        static_cast<std::size_t>(std::snprintf(line, sizeof(line), "%zx\r\n", size));
    cuts.push_back(down.size());
    lines.emplace_back(down.size(), down.size() + length);
    down += line + std::string(size, 'c') + "\r\n";
  }
  cuts.push_back(down.size());
  lines.emplace_back(down.size(), down.size() + 5);
  down += "0\r\n\r\n";
  // A server writes a chunk a call, or in pieces that break in the data.
  const auto ends = Move(Request("/chunked"), down, [&](int fd, std::string_view bytes) {
    if (bytes.size() != down.size()) return SendAll(fd, bytes);
    std::size_t at = 0;
    for (const auto cut : cuts) {
      if (cut - at > 2000 && random() % 2 == 0) {
        const auto middle = at + 100 + random() % (cut - at - 200);
        SendAll(fd, bytes.substr(at, middle - at));
        at = middle;
      }
      SendAll(fd, bytes.substr(at, cut - at));
      at = cut;
    }
    SendAll(fd, bytes.substr(at));
  });
  for (const auto* stream : {&ends.server.written, &ends.client.read}) {
    SCOPED_TRACE(stream == &ends.client.read ? "client's reads" : "server's writes");
    EXPECT_TRUE(Carries(*stream, down));
    for (const auto& [from, to] : lines) ASSERT_TRUE(stream->HasCaptured(from, to));
  }
}

WIRESPAN_EACH_BACKEND(CopyBoundTest);

}  // namespace
}  // namespace wirespan::kernel_test
