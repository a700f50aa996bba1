// HTTP/2 made by hand over real sockets: what each backend tells of its frames.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tests/kernel/capture/backend_test.h"
#include "tests/unit/bpf/infer/frames.h"

namespace wirespan::kernel_test {
namespace {

using connection::DataEvent;
using frame_test::FrameStream;
using frame_test::Message;

class Http2Test : public CaptureTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override { UseBackend(GetParam()); }

  // Sends in calls of `size` bytes, while the other end reads as much as its buffer holds.
  static void Move(int from, int to, std::string_view bytes, std::size_t size, std::size_t buffer) {
    std::thread reader([to, buffer, all = bytes.size()] {
      std::string into(buffer, '\0');
      for (std::size_t got = 0; got < all;) {
        const auto n = read(to, into.data(), std::min(buffer, all - got));
        ASSERT_GT(n, 0);
        got += static_cast<std::size_t>(n);
      }
    });
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
      SendAll(from, bytes.substr(0, size));
    reader.join();
  }

  // What was told is true, tells every byte once, and a frame's start is one.
  static void ExpectTrue(const Stream& told, const FrameStream& sent, std::uint64_t base = 0) {
    EXPECT_TRUE(Carries(told, sent.bytes(), base));
    for (const DataEvent& event : told.data()) {
      const auto is_start = [&](const FrameStream::Frame& f) {
        return f.offset + base == event.offset;
      };
      const bool boundary = event.offset == base || std::ranges::any_of(sent.frames(), is_start);
      EXPECT_TRUE(boundary || !event.frame_start) << event.offset;
      if (event.run.frames == 0) continue;
      std::uint32_t frames = 0;
      std::uint64_t payload = 0;
      for (const auto& f : sent.frames()) {
        if (f.offset + base < event.offset || f.offset + base >= event.end_offset) continue;
        EXPECT_EQ(f.stream, event.run.stream);
        EXPECT_EQ(f.type, 0);
        EXPECT_EQ(f.flags, 0);
        ++frames;
        payload += f.length;
      }
      EXPECT_EQ(frames, event.run.frames);
      EXPECT_EQ(payload, event.run.payload);
    }
  }

  // What the end that writes `up` in one call tells of it, which is true.
  Seen WhatAWriterTells(const FrameStream& up) {
    auto [client, server] = TcpPair();
    const auto client_name = NameOf(client.get());
    SendAll(client.get(), up.bytes());
    ReceiveExactly(server.get(), up.bytes().size());
    Seen told = Told(client_name, 0, up.bytes().size());
    ExpectTrue(told.written, up);
    return told;
  }
};

TEST_P(Http2Test, UnaryCallsAreToldWithEveryByte) {
  for (const auto kind : {Kind::kInet, Kind::kInet6, Kind::kUnix}) {
    SCOPED_TRACE(KindName(kind));
    FrameStream up, down;
    up.Preface().Settings();
    down.Settings().Ack();
    auto pair = Connected(kind);
    const auto client = NameOf(pair.client.get()), server = NameOf(pair.server.get());
    std::size_t sent_up = 0, sent_down = 0;
    for (std::uint32_t call = 0; call < 20; ++call) {
      up.Headers(2 * call + 1, 90).Data(2 * call + 1, Message(100), true);
      down.Headers(2 * call + 1).Data(2 * call + 1, Message(100)).Headers(2 * call + 1, 10, true);
      if (call % 4 == 3) up.WindowUpdate(0).Ping();
      SendAll(pair.client.get(), up.bytes().substr(sent_up));
      ReceiveExactly(pair.server.get(), up.bytes().size() - sent_up);
      SendAll(pair.server.get(), down.bytes().substr(sent_down));
      ReceiveExactly(pair.client.get(), down.bytes().size() - sent_down);
      sent_up = up.bytes().size();
      sent_down = down.bytes().size();
    }
    const auto at_client = Told(client, sent_down, sent_up);
    const auto at_server = Told(server, sent_up, sent_down);
    for (const auto* end : {&at_client, &at_server}) {
      const auto& requests = end == &at_client ? end->written : end->read;
      const auto& answers = end == &at_client ? end->read : end->written;
      EXPECT_TRUE(CarriesEveryByte(requests, up.bytes()));
      EXPECT_TRUE(CarriesEveryByte(answers, down.bytes()));
      ExpectTrue(requests, up);
      ExpectTrue(answers, down);
      EXPECT_EQ(requests.events(), 20u) << "one record a call";
      EXPECT_EQ(answers.events(), 20u);
      EXPECT_TRUE(std::ranges::all_of(requests.data(), &DataEvent::frame_start));
    }
  }
}

// A block of two indexed fields and so many literals that enter the table.
std::string BlockThatAdds(std::uint32_t entries) {
  std::string block = "\x82\x86";
  for (std::uint32_t i = 0; i < entries; ++i) block += std::string("\x40\3x-") + "a\x02" + "bc";
  return block;
}

TEST_P(Http2Test, SaysHowMuchHeaderBlocksAddedToTheirTable) {
  constexpr std::uint32_t kAdds[] = {3, 0, 100, 0, 1, 40, 0};
  FrameStream up;
  up.Preface().Settings();
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  std::size_t sent = 0;
  std::vector<std::uint32_t> before;
  std::uint32_t added = 0;
  for (std::uint32_t call = 0; call < std::size(kAdds); ++call) {
    // The last but one comes cut, which nobody counts.
    up.Add(1, 5, 2 * call + 1, BlockThatAdds(kAdds[call]));
    const std::size_t cut = kAdds[call] == 40 ? sent + 100 : up.bytes().size();
    for (const std::size_t end : {cut, up.bytes().size()}) {
      if (end == sent) continue;
      SendAll(client.get(), std::string_view(up.bytes()).substr(sent, end - sent));
      ReceiveExactly(server.get(), end - sent);
      sent = end;
    }
    before.push_back(added);
    if (kAdds[call] != 40) added += kAdds[call];
  }
  const auto at_client = Told(client_name, 0, sent), at_server = Told(server_name, sent, 0);
  for (const Stream* stream : {&at_client.written, &at_server.read}) {
    EXPECT_TRUE(CarriesEveryByte(*stream, up.bytes()));
    std::optional<protocol::HeaderCount> first;
    for (const auto& frame : up.frames()) {
      if (frame.type != 1) continue;
      const auto event = std::ranges::find_if(stream->data(), [&](const DataEvent& one) {
        return one.offset <= frame.offset && frame.offset < one.end_offset;
      });
      ASSERT_NE(event, stream->data().end());
      ASSERT_TRUE(event->header_count) << frame.offset;
      if (!first) first = event->header_count;
      const std::size_t call = (frame.stream - 1) / 2;
      EXPECT_EQ(event->header_count->added - first->added, before[call]) << call;
      EXPECT_EQ(event->header_count->uncounted - first->uncounted, call == 6 ? 1u : 0u) << call;
    }
  }
}

TEST_P(Http2Test, AByteACallIsToldAlike) {
  FrameStream up, down;
  up.Preface().Settings().Headers(1).Data(1, Message(300), true).Ping();
  down.Settings().Headers(1).Data(1, Message(500)).Headers(1, 10, true);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  Move(client.get(), server.get(), up.bytes(), 1, 1);
  Move(server.get(), client.get(), down.bytes(), 1, 9);
  const auto at_client = Told(client_name, down.bytes().size(), up.bytes().size());
  const auto at_server = Told(server_name, up.bytes().size(), down.bytes().size());
  ExpectTrue(at_client.written, up);
  ExpectTrue(at_client.read, down);
  ExpectTrue(at_server.read, up);
  ExpectTrue(at_server.written, down);
  for (const auto& f : down.frames())
    EXPECT_TRUE(at_client.read.HasCaptured(f.offset, f.offset + 9));
  ASSERT_FALSE(at_client.read.data().empty());
  EXPECT_TRUE(at_client.read.data().front().frame_start);
}

TEST_P(Http2Test, ALongDownloadIsSummed) {
  constexpr std::size_t kBody = 64u << 20;
  FrameStream up, down;
  up.Preface().Settings().Headers(1, 60, true);
  down.Settings().Headers(1, 60).Body(1, std::string(kBody, 'd')).Data(1, "", true);
  struct {
    std::size_t write, read;
  } const ways[] = {{16393, 16384}, {262'144, 65536}, {16393, 4096}};
  for (const auto& way : ways) {
    SCOPED_TRACE(std::to_string(way.write) + "/" + std::to_string(way.read));
    auto [client, server] = TcpPair();
    const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
    SendAll(client.get(), up.bytes());
    ReceiveExactly(server.get(), up.bytes().size());
    const auto head = down.frames()[2].offset;
    SendAll(server.get(), down.bytes().substr(0, head));
    ReceiveExactly(client.get(), head);
    Move(server.get(), client.get(), std::string_view(down.bytes()).substr(head), way.write,
         way.read);
    const auto at_client = Told(client_name, down.bytes().size(), up.bytes().size());
    const auto at_server = Told(server_name, up.bytes().size(), down.bytes().size());
    ExpectTrue(at_client.read, down);
    ExpectTrue(at_server.written, down);
    EXPECT_LT(at_client.read.events(), kBody / 65536);
    EXPECT_LT(at_server.written.events(), kBody / 65536);
    EXPECT_GT(at_client.read.events(), kBody / (1u << 20)) << "and told while it goes on";
    EXPECT_GT(at_server.written.events(), kBody / (1u << 20));
    EXPECT_LT(at_client.read.captured_bytes(), 65536u);
    RecordProperty("records_" + std::to_string(way.write),
                   static_cast<int>(at_server.written.events()));
    std::printf("64 MiB in writes of %zu, reads of %zu: %zu records written, %zu read\n", way.write,
                way.read, at_server.written.events(), at_client.read.events());
  }
}

TEST_P(Http2Test, WhatIsHeldBackOfARunIsToldAtTheEnd) {
  FrameStream up, down;
  up.Preface().Settings().Headers(1, 60, true);
  down.Settings().Headers(1, 60).Body(1, std::string(100'000, 'd'), 10'000);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  SendAll(client.get(), up.bytes());
  ReceiveExactly(server.get(), up.bytes().size());
  for (const auto& f : down.frames()) {
    const auto bytes = down.bytes().substr(f.offset, f.end() - f.offset);
    SendAll(server.get(), bytes);
    ReceiveExactly(client.get(), bytes.size());
  }
  server.reset();
  EXPECT_EQ(ReceiveToEnd(client.get()), "");
  client.reset();
  const auto at_client = Told(client_name, down.bytes().size(), up.bytes().size());
  const auto at_server = Told(server_name, up.bytes().size(), down.bytes().size());
  ExpectTrue(at_client.read, down);
  ExpectTrue(at_server.written, down);
  EXPECT_EQ(at_server.written.data().back().run.frames, 9u);
}

TEST_P(Http2Test, PayloadBySendfileIsALength) {
  FrameStream up, down;
  up.Preface().Settings().Headers(1, 60, true);
  down.Settings().Headers(1, 60).Body(1, std::string(300'000, 'd'), 60'000, true);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  SendAll(client.get(), up.bytes());
  ReceiveExactly(server.get(), up.bytes().size());
  UniqueFd file(memfd_create("body", MFD_CLOEXEC));
  SendAll(file.get(), std::string(60'000, 'd'));
  for (const auto& f : down.frames()) {
    if (f.type != 0) {
      SendAll(server.get(), down.bytes().substr(f.offset, f.end() - f.offset));
    } else {
      SendAll(server.get(), down.bytes().substr(f.offset, 9));
      for (off_t at = 0; at < static_cast<off_t>(f.length);)
        ASSERT_GT(sendfile(server.get(), file.get(), &at, f.length - static_cast<std::size_t>(at)),
                  0);
    }
    ReceiveExactly(client.get(), f.end() - f.offset);
  }
  const auto at_server = Told(server_name, up.bytes().size(), down.bytes().size());
  ExpectTrue(at_server.written, down);
  // A body that begins without a buffer has no messages that could be looked for: its frames are
  // summed.
  const auto summed = [&](const FrameStream::Frame& f) {
    return std::ranges::any_of(at_server.written.data(), [&](const DataEvent& event) {
      return event.run.frames > 0 && event.offset <= f.offset && f.offset < event.end_offset;
    });
  };
  for (const auto& f : down.frames())
    EXPECT_TRUE(summed(f) || at_server.written.HasCaptured(f.offset, f.offset + 9)) << f.offset;
  EXPECT_LE(at_server.written.events(), 7u);  // the header block, the first frame, runs, the last
}

TEST_P(Http2Test, AnUpgradeToHttp2IsFollowed) {
  const std::string request =
      "GET /old HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABk\r\n\r\n";
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  FrameStream up, down;
  up.Preface().Settings().Headers(3, 50, true);
  down.Settings().Headers(1).Data(1, "old", true);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  SendAll(client.get(), request);
  ReceiveExactly(server.get(), request.size());
  SendAll(server.get(), answer + down.bytes());
  ReceiveExactly(client.get(), answer.size() + down.bytes().size());
  SendAll(client.get(), up.bytes());
  ReceiveExactly(server.get(), up.bytes().size());
  const auto sent_up = request + up.bytes(), sent_down = answer + down.bytes();
  const auto at_client = Told(client_name, sent_down.size(), sent_up.size());
  const auto at_server = Told(server_name, sent_up.size(), sent_down.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, sent_up));
  EXPECT_TRUE(CarriesEveryByte(at_client.read, sent_down));
  EXPECT_TRUE(CarriesEveryByte(at_server.read, sent_up));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, sent_down));
  EXPECT_TRUE(at_server.read.data().back().frame_start);
}

TEST_P(Http2Test, IsFoundBehindALineOfTheProxyProtocol) {
  const std::string line = "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n";
  FrameStream up, down;
  up.Preface().Settings().Headers(1, 50, true);
  down.Settings().Headers(1, 40).Data(1, "body", true);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const std::string sent_up = line + up.bytes();
  SendAll(client.get(), sent_up);
  ReceiveExactly(server.get(), sent_up.size());
  SendAll(server.get(), down.bytes());
  ReceiveExactly(client.get(), down.bytes().size());
  const auto at_client = Told(client_name, down.bytes().size(), sent_up.size());
  const auto at_server = Told(server_name, sent_up.size(), down.bytes().size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, sent_up));
  EXPECT_TRUE(CarriesEveryByte(at_server.read, sent_up));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, down.bytes()));
  EXPECT_TRUE(at_client.read.data().front().frame_start);
}

TEST_P(Http2Test, AHeaderBlockIsToldToItsOwnBound) {
  FrameStream up;
  up.Preface().Settings().Add(1, 1, 1, std::string(16384, '\x82'));
  up.Add(9, 4, 1, std::string(16384, '\x82')).Headers(3, 50, true);
  up.Add(1, 1, 5, std::string(16384, '\x82'));
  for (int i = 0; i < 4; ++i) up.Add(9, i == 3 ? 4 : 0, 5, std::string(16384, '\x82'));
  up.Headers(7, 50, true);
  const auto told = WhatAWriterTells(up);
  const auto& f = up.frames();
  EXPECT_TRUE(told.written.HasCaptured(0, f[3].end())) << "32 KiB";
  EXPECT_TRUE(told.written.HasCaptured(f[4].offset, f[4].offset + 9 + 65536 / 4));
  EXPECT_FALSE(told.written.HasCaptured(f[8].offset + 9, f[8].end())) << "beyond 64 KiB";
  EXPECT_TRUE(told.written.HasCaptured(f[9].offset, f[9].end()));
}

TEST_P(Http2Test, TheBoundOfHeaderBlocksIsTheConfiguredOne) {
  kernel::CaptureOptions options;
  options.http2_head_bytes = 2000;
  StartOwn(options);
  RETURN_IF_SKIPPED();
  FrameStream up;
  up.Preface().Settings().Add(1, 1, 1, std::string(1500, '\x82'));
  for (int i = 0; i < 3; ++i) up.Add(9, i == 2 ? 4 : 0, 1, std::string(1500, '\x82'));
  up.Headers(3, 50, true);
  const auto told = WhatAWriterTells(up);
  const auto& f = up.frames();
  EXPECT_TRUE(told.written.HasCaptured(f[1].offset, f[1].end() + 9 + 500));
  EXPECT_FALSE(told.written.HasCaptured(f[3].offset + 9, f[3].end()));
  EXPECT_TRUE(told.written.HasCaptured(f[5].offset, f[5].end()));
  EXPECT_GE(capture().CountOf("head_bound").events, 1u);
}

TEST_P(Http2Test, AWebsocketIsNotLookedAtForLong) {
  StartOwn({});
  RETURN_IF_SKIPPED();
  const std::string request =
      "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get());
  SendAll(client.get(), request);
  ReceiveExactly(server.get(), request.size());
  SendAll(server.get(), answer);
  ReceiveExactly(client.get(), answer.size());
  const auto seen = Told(client_name, answer.size(), request.size());
  const std::string frame("\x81\x05hello", 7);
  for (int i = 0; i < 50; ++i) {
    SendAll(client.get(), frame);
    ReceiveExactly(server.get(), frame.size());
  }
  capture().Sync();
  EXPECT_EQ(capture().Find(client_name)->written.length(), request.size());
  EXPECT_GE(capture().CountOf("opaque").events, 80u);
  EXPECT_GE(capture().CountOf("upgraded").events, 2u);
}

TEST_P(Http2Test, OfAnOlderConnectionIsFollowedFromItsNextCall) {
  FrameStream up, down;
  up.Preface().Settings();
  down.Settings().Ack();
  const auto call = [&](std::uint32_t id) {
    up.Headers(id, 90).Data(id, Message(100), true);
    down.Headers(id).Data(id, Message(100)).Headers(id, 10, true);
  };
  StartLater(GetParam());
  RETURN_IF_SKIPPED();
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  std::size_t sent_up = 0, sent_down = 0, late_up = 0, late_down = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    call(2 * i + 1);
    if (i == 10) {
      StartOwn({});
      late_up = sent_up;
      late_down = sent_down;
    }
    SendAll(client.get(), up.bytes().substr(sent_up));
    ReceiveExactly(server.get(), up.bytes().size() - sent_up);
    SendAll(server.get(), down.bytes().substr(sent_down));
    ReceiveExactly(client.get(), down.bytes().size() - sent_down);
    sent_up = up.bytes().size();
    sent_down = down.bytes().size();
  }
  const auto at_client = Told(client_name, sent_down, sent_up);
  const auto at_server = Told(server_name, sent_up, sent_down);
  for (const auto* end : {&at_client, &at_server}) {
    const auto& requests = end == &at_client ? end->written : end->read;
    const auto& answers = end == &at_client ? end->read : end->written;
    EXPECT_TRUE(CarriesEveryByte(requests, up.bytes().substr(late_up), late_up));
    EXPECT_TRUE(CarriesEveryByte(answers, down.bytes().substr(late_down), late_down));
    EXPECT_EQ(requests.begin(), late_up);
    EXPECT_TRUE(std::ranges::all_of(requests.data(), &DataEvent::frame_start));
  }
}

// An older connection on which something passed that looks like frames, and is none.
TEST_P(Http2Test, AWrongGuessIsUndone) {
  StartLater(GetParam());
  RETURN_IF_SKIPPED();
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get());
  const auto pass = [&](const std::string& bytes) {
    SendAll(client.get(), bytes);
    ReceiveExactly(server.get(), bytes.size());
    return bytes.size();
  };
  std::size_t sent = pass("of another protocol");
  StartOwn({});
  FrameStream looks;
  looks.Ping().Ping();
  sent += pass(looks.bytes());
  capture().Sync();
  EXPECT_GE(capture().CountOf("http2").events, 1u) << "taken for HTTP/2 at first";
  for (int i = 0; i < 10; ++i) sent += pass(std::string(300, '\0'));
  capture().Sync();
  EXPECT_GE(capture().CountOf("http2_undone").events, 1u);
  // What it is after all, is seen.
  const std::size_t from = sent;
  sent += pass("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto told = Told(client_name, 0, sent);
  EXPECT_TRUE(told.written.HasCaptured(from, sent));
}

// Their length is up to 16 MiB of what may be anything; once many frames were where they were due,
// it is HTTP/2.
TEST_P(Http2Test, FramesOfUndefinedTypesAreBelievedWhereItIsNoGuess) {
  StartLater(GetParam());
  RETURN_IF_SKIPPED();
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get());
  FrameStream stream;
  std::size_t sent = 0;
  const auto pass = [&] {
    SendAll(client.get(), stream.bytes().substr(sent));
    ReceiveExactly(server.get(), stream.bytes().size() - sent);
    sent = stream.bytes().size();
  };
  const auto lost_by = [&](FrameStream& more) {
    const auto before = (capture().Sync(), capture().CountOf("http2_lost").events);
    more.Add(0x4d, 0, 5, std::string(300, 'm'));
    pass();
    return (capture().Sync(), capture().CountOf("http2_lost").events) - before;
  };
  stream.Headers(1, 90);
  pass();
  StartOwn({});
  stream.Ping().Ping();
  pass();
  EXPECT_EQ(lost_by(stream), 2u) << "at both ends";
  for (std::uint32_t i = 0; i < 70; ++i) {
    stream.Headers(2 * i + 3, 90, true);
    pass();
  }
  EXPECT_EQ(lost_by(stream), 0u);
  const std::size_t from = sent;
  stream.Headers(201, 90, true);
  pass();
  const auto told = Told(client_name, 0, sent);
  EXPECT_TRUE(told.written.HasCaptured(from, sent));
}

WIRESPAN_EACH_BACKEND(Http2Test);

}  // namespace
}  // namespace wirespan::kernel_test
