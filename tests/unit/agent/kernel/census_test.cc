#include "agent/kernel/census.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "bpf/abi/census.h"

namespace wirespan::kernel {
namespace {

using process::HeldFile;

struct Told {
  HeldFile file{};
  std::string path{};
};

struct Reading {
  std::vector<Told> told{};
  bool sound = true;
  bool whole = false;
};

Reading Read(const std::vector<std::string_view>& pieces) {
  Reading reading;
  CensusReader reader(
      [&](const HeldFile& file) { reading.told.push_back({file, std::string(file.path)}); });
  for (const std::string_view piece : pieces) reading.sound &= reader.Feed(piece);
  reading.whole = reader.whole();
  return reading;
}

std::string Record(const ws_held& held) {
  return std::string(reinterpret_cast<const char*>(&held), sizeof(held));
}

ws_held Held(ws_held_kind kind, std::uint64_t inode) {
  ws_held held{};
  held.kind = static_cast<__u8>(kind);
  held.inode = inode;
  held.tgid = 7;
  held.fd = 3;
  held.size = sizeof(held);
  return held;
}

// `level`: of the pid namespace whose processes were looked at.
std::string End(std::uint32_t level = 0) {
  ws_held held = Held(WS_HELD_END, 0);
  held.tgid = level;
  return Record(held);
}

std::string Tcp(std::uint64_t inode, ws_held_state state = WS_HELD_CONNECTED) {
  ws_held held = Held(WS_HELD_INET, inode);
  held.state = static_cast<__u8>(state);
  held.port = 8080;
  held.address[0] = 127;
  return Record(held);
}

std::string UnixListener(std::string_view path) {
  ws_held_listener listener{};
  listener.held = Held(WS_HELD_UNIX, 5);
  listener.held.size = sizeof(listener);
  listener.held.state = WS_HELD_LISTENING;
  listener.held.path_size = static_cast<__u16>(path.size());
  std::memset(listener.path, 'x', sizeof(listener.path));
  std::memcpy(listener.path, path.data(), path.size());
  return std::string(reinterpret_cast<const char*>(&listener), sizeof(listener));
}

TEST(CensusReaderTest, TellsEachKindOfFile) {
  const Reading reading =
      Read({Tcp(1, WS_HELD_LISTENING) + UnixListener(std::string_view("/run/a\0", 7)) +
            Record(Held(WS_HELD_IO_URING, 9)) + Record(Held(WS_HELD_UNIX, 10)) +
            Record(Held(WS_HELD_INET6, 11)) + End()});
  EXPECT_TRUE(reading.whole);
  ASSERT_EQ(reading.told.size(), 5u);
  const HeldFile& tcp = reading.told[0].file;
  EXPECT_EQ(tcp.kind, HeldFile::Kind::kTcp);
  EXPECT_EQ(tcp.pid, 7u);
  EXPECT_EQ(tcp.descriptor, 3u);
  EXPECT_EQ(tcp.inode, 1u);
  EXPECT_TRUE(tcp.listening);
  EXPECT_FALSE(tcp.connected);
  EXPECT_FALSE(tcp.ipv6);
  EXPECT_EQ(tcp.port, 8080);
  EXPECT_EQ(tcp.address[0], 127);
  EXPECT_EQ(reading.told[1].file.kind, HeldFile::Kind::kUnix);
  EXPECT_EQ(reading.told[1].path, "/run/a");
  EXPECT_EQ(reading.told[2].file.kind, HeldFile::Kind::kIoUring);
  EXPECT_FALSE(reading.told[3].file.listening || reading.told[3].file.connected);
  EXPECT_TRUE(reading.told[4].file.ipv6);
}

TEST(CensusReaderTest, WritesNamesAsProcDoes) {
  const std::string longest(108, 'l');
  const std::pair<std::string, std::string> names[] = {
      {std::string("/a\0", 3), "/a"}, {longest, longest}, {std::string("\0a\0b\0", 5), "@a@b@"},
      {std::string("\0", 1), "@"},    {"", ""},
  };
  for (const auto& [name, text] : names) {
    const Reading reading = Read({UnixListener(name) + End()});
    ASSERT_EQ(reading.told.size(), 1u) << text;
    EXPECT_EQ(reading.told[0].path, text);
  }
}

TEST(CensusReaderTest, TellsTheSameHoweverItIsCut) {
  const std::string bytes = Tcp(1) + UnixListener("/run/a") + Tcp(2) + End();
  const std::string_view all = bytes;
  for (std::size_t first = 0; first <= all.size(); ++first) {
    for (std::size_t second = first; second <= all.size(); second += 7) {
      const Reading reading =
          Read({all.substr(0, first), all.substr(first, second - first), all.substr(second)});
      EXPECT_TRUE(reading.whole);
      ASSERT_EQ(reading.told.size(), 3u);
      EXPECT_EQ(reading.told[1].path, "/run/a");
      EXPECT_EQ(reading.told[2].file.inode, 2u);
    }
    EXPECT_EQ(Read({all.substr(0, first)}).whole, first == all.size()) << first;
  }
  std::vector<std::string_view> single;
  for (std::size_t at = 0; at < all.size(); ++at) single.push_back(all.substr(at, 1));
  EXPECT_TRUE(Read(single).whole);
}

TEST(CensusReaderTest, IsNotWholeForWhoSeesOnlySome) {
  EXPECT_FALSE(Read({Tcp(1) + End(1)}).whole);
}

TEST(CensusReaderTest, StopsAtWhatIsNoRecord) {
  const auto with = [](std::size_t offset, std::uint16_t value, std::size_t bytes) {
    std::string record = Tcp(1);
    std::memcpy(record.data() + offset, &value, bytes);
    return record;
  };
  const std::string damaged[] = {
      with(offsetof(ws_held, kind), 0, 1),
      with(offsetof(ws_held, kind), 6, 1),
      with(offsetof(ws_held, kind), WS_HELD_UNIX, 1).replace(offsetof(ws_held, state), 1, "\1"),
      with(offsetof(ws_held, state), 3, 1),
      with(offsetof(ws_held, size), 0, 2),
      with(offsetof(ws_held, size), 39, 2),
      with(offsetof(ws_held, size), sizeof(ws_held_listener), 2),
      with(offsetof(ws_held, size), 65535, 2),
      with(offsetof(ws_held, path_size), 109, 2),
      End() + End(),
  };
  for (const std::string& bytes : damaged) {
    const Reading reading = Read({Tcp(1) + bytes, Tcp(2) + End()});
    EXPECT_FALSE(reading.sound);
    EXPECT_FALSE(reading.whole);
    EXPECT_EQ(reading.told.size(), 1u);
  }
}

TEST(CensusReaderTest, SurvivesAnyBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = Tcp(1) + UnixListener("/run/a") + Tcp(2) + End();
    for (int damage = 0; damage < 4; ++damage)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const std::size_t cut = random() % bytes.size();
    const std::string_view all = bytes;
    const Reading one = Read({all}), two = Read({all.substr(0, cut), all.substr(cut)});
    EXPECT_EQ(one.whole, two.whole);
    EXPECT_EQ(one.told.size(), two.told.size());
    for (const Told& told : one.told) EXPECT_LE(told.path.size(), 108u);
  }
}

}  // namespace
}  // namespace wirespan::kernel
