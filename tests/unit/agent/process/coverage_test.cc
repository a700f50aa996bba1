#include "agent/process/coverage.h"

#include <gtest/gtest.h>

#include "agent/process/net_table.h"
#include "fake_proc.h"

namespace wirespan::process {
namespace {

using testing::FakeRoot;

constexpr const char* kTcpHeading =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

std::string TcpLine(const char* local, const char* remote, const char* state, int inode) {
  return std::string("   0: ") + local + " " + remote + " " + state +
         " 00000000:00000000 00:00000000 00000000  1000        0 " + std::to_string(inode) +
         " 1 0000000000000000 100 0 0 10 0\n";
}

TEST(NetTableTest, ReadsInetLines) {
  const auto socket = ParseInetLine(TcpLine("0100007F:1F90", "00000000:0000", "0A", 77), false);
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->local_port, 8080);
  EXPECT_EQ(socket->local_address[0], 127);
  EXPECT_TRUE(socket->listening);
  EXPECT_EQ(socket->inode, 77u);
  EXPECT_FALSE(ParseInetLine(kTcpHeading, false));
  EXPECT_FALSE(ParseInetLine(TcpLine("0100007F:1F90", "00000000:0000", "0A", 77), true));
  const std::string line = TcpLine("0100007F:1F90", "00000000:0000", "0A", 77);
  for (std::size_t cut = 0; cut < line.find(" 77 "); ++cut)
    EXPECT_FALSE(ParseInetLine(line.substr(0, cut), false));
}

TEST(NetTableTest, ReadsUnixStreamsAlone) {
  const auto listening =
      ParseUnixLine("0000000000000000: 00000002 00000000 00010000 0001 01 501 /run/x y.sock");
  ASSERT_TRUE(listening);
  EXPECT_TRUE(listening->listening);
  EXPECT_EQ(listening->path, "/run/x y.sock");
  const auto connected = ParseUnixLine("0000000000000000: 00000003 00000000 00000000 0001 03 502");
  ASSERT_TRUE(connected);
  EXPECT_TRUE(connected->connected);
  EXPECT_EQ(connected->path, "");
  EXPECT_FALSE(ParseUnixLine("0000000000000000: 00000003 00000000 00000000 0002 03 502"));
  EXPECT_FALSE(ParseUnixLine("Num       RefCount Protocol Flags    Type St Inode Path"));
}

TEST(NetTableTest, CutsLinesAnywhereAndLeavesOverlongOnesOut) {
  const std::string text = "one\n" + std::string(600, 'x') + "\ntwo\n\nlast";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    std::vector<std::string> lines;
    LineReader reader([&](std::string_view line) { lines.emplace_back(line); });
    reader.Feed(std::string_view(text).substr(0, cut));
    reader.Feed(std::string_view(text).substr(cut));
    reader.Finish();
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", "last"})) << cut;
  }
}

TEST(NetTableTest, ReadsSocketLinks) {
  EXPECT_EQ(ParseSocketLink("socket:[12]"), 12u);
  EXPECT_FALSE(ParseSocketLink("socket:[]"));
  EXPECT_FALSE(ParseSocketLink("socket:[1x]"));
  EXPECT_FALSE(ParseSocketLink("pipe:[12]"));
}

TEST(CoverageTest, ListsProcessesWithTheirSocketsOverNamespaces) {
  FakeRoot root;
  const std::string tcp = kTcpHeading + TcpLine("0100007F:1F90", "00000000:0000", "0A", 1) +
                          TcpLine("0100007F:1F90", "0100007F:C000", "01", 2) +
                          TcpLine("0100007F:C000", "0100007F:1F90", "01", 3) +
                          TcpLine("0100007F:C001", "0100007F:1F90", "06", 0);
  const std::string units =
      "Num\n0: 00000002 00000000 00010000 0001 01 4 /run/app.sock\n0: 00000003 00000000 00000000 "
      "0001 03 5\n";
  root.Put({.pid = 10,
            .comm = "server",
            .network_namespace = 7,
            .descriptors = {"/dev/null", "socket:[1]", "socket:[2]", "socket:[2]", "socket:[4]"},
            .tcp = tcp,
            .unix_sockets = units});
  root.Put({.pid = 11,
            .comm = "client",
            .network_namespace = 7,
            .descriptors = {"socket:[3]", "socket:[5]", "socket:[999]"},
            .tcp = tcp,
            .unix_sockets = units});
  root.Put({.pid = 12,
            .comm = "plain",
            .network_namespace = 7,
            .descriptors = {"/dev/null"},
            .tcp = tcp});
  root.Put({.pid = 13,
            .comm = "datagrams",
            .network_namespace = 7,
            .descriptors = {"socket:[999]"},
            .tcp = tcp});
  root.Put({.pid = 14,
            .comm = "other",
            .network_namespace = 8,
            .descriptors = {"socket:[21]"},
            .tcp6 = kTcpHeading + TcpLine("00000000000000000000000000000000:0050",
                                          "00000000000000000000000000000000:0000", "0A", 21)});
  const CoverageReport report = TakeCoverage(root.path());
  ASSERT_EQ(report.processes.size(), 3u);
  EXPECT_EQ(report.processes_seen, 5u);
  EXPECT_FALSE(report.cut);
  const ProcessSockets& server = report.processes[0];
  EXPECT_EQ(server.comm, "server");
  EXPECT_EQ(server.listening,
            (std::vector<ListenAddress>{{"/run/app.sock", 0}, {"127.0.0.1", 8080}}));
  EXPECT_EQ(server.tcp_connections, 1u) << "two descriptors share it";
  EXPECT_EQ(server.network_namespace, 7u);
  EXPECT_EQ(report.processes[1].tcp_connections, 1u);
  EXPECT_EQ(report.processes[1].unix_connections, 1u);
  EXPECT_EQ(report.processes[2].listening, (std::vector<ListenAddress>{{"::", 80}}));
}

TEST(CoverageTest, SaysWhenABoundCutThePicture) {
  FakeRoot root;
  for (std::uint32_t pid = 10; pid < 20; ++pid) {
    root.Put({.pid = pid,
              .descriptors = {"socket:[1]", "socket:[2]"},
              .tcp = kTcpHeading + TcpLine("0100007F:1F90", "00000000:0000", "0A", 1)});
  }
  EXPECT_FALSE(TakeCoverage(root.path()).cut);
  EXPECT_TRUE(TakeCoverage(root.path(), {.max_processes = 5}).cut);
  EXPECT_TRUE(TakeCoverage(root.path(), {.max_sockets = 7}).cut);
  EXPECT_TRUE(TakeCoverage(root.path(), {.max_table_bytes = 50}).cut);
  EXPECT_TRUE(TakeCoverage(root.path(), {.max_descriptors_each = 1}).processes[0].descriptors_cut);
  FakeRoot empty;
  EXPECT_TRUE(TakeCoverage(empty.path()).processes.empty());
}

// Who tells these, and whether they are all.
HeldFiles Kernel(std::vector<HeldFile> files, bool whole = true) {
  return [files = std::move(files), whole](const auto& visit) {
    for (const HeldFile& file : files) visit(file);
    return whole;
  };
}

HeldFile Connection(std::uint32_t pid, std::uint64_t inode) {
  return {.pid = pid, .descriptor = 9, .inode = inode, .connected = true};
}

TEST(CoverageTest, TakesTheSocketsFromWhoSeesThemAll) {
  FakeRoot root;
  root.Put({.pid = 10, .comm = "server", .network_namespace = 7});
  root.Put({.pid = 11, .comm = "client", .network_namespace = 8});
  root.Put({.pid = 12, .comm = "rings"});
  HeldFile tcp{.pid = 10, .inode = 1, .listening = true, .port = 8080};
  tcp.address = {127, 0, 0, 1};
  HeldFile tcp6{.pid = 10, .inode = 2, .listening = true, .ipv6 = true, .port = 80};
  HeldFile unix_listener{.kind = HeldFile::Kind::kUnix, .pid = 10, .inode = 3, .listening = true};
  unix_listener.path = "/run/app.sock";
  const HeldFile idle{.kind = HeldFile::Kind::kUnix, .pid = 11, .inode = 4};
  HeldFile ring{.kind = HeldFile::Kind::kIoUring, .pid = 11, .descriptor = 3, .inode = 5};
  HeldFile other = ring, alone = ring;
  other.descriptor = 4;
  alone.pid = 12;
  // In no order, some of them twice, and one of a process that is gone.
  const auto report = TakeCoverage(
      root.path(), {},
      Kernel({ring, Connection(11, 6), tcp, Connection(10, 6), Connection(10, 6), tcp, other, alone,
              tcp6, Connection(99, 7), idle, unix_listener, ring, Connection(10, 8)}));
  ASSERT_EQ(report.processes.size(), 2u);
  EXPECT_FALSE(report.cut);
  const ProcessSockets& server = report.processes[0];
  EXPECT_EQ(server.pid, 10u);
  EXPECT_EQ(server.comm, "server");
  EXPECT_EQ(server.executable, "/usr/bin/shop");
  EXPECT_EQ(server.network_namespace, 7u);
  EXPECT_EQ(server.listening,
            (std::vector<ListenAddress>{{"/run/app.sock", 0}, {"127.0.0.1", 8080}, {"::", 80}}));
  EXPECT_EQ(server.tcp_connections, 2u);
  EXPECT_EQ(server.io_urings, 0u);
  const ProcessSockets& client = report.processes[1];
  EXPECT_EQ(client.pid, 11u);
  EXPECT_EQ(client.tcp_connections, 1u);
  EXPECT_EQ(client.unix_connections, 0u);
  EXPECT_EQ(client.io_urings, 2u);
}

TEST(CoverageTest, AsksProcWhereNotEverythingIsTold) {
  FakeRoot root;
  root.Put({.pid = 10,
            .descriptors = {"socket:[1]"},
            .tcp = kTcpHeading + TcpLine("0100007F:1F90", "00000000:0000", "0A", 1)});
  root.Put({.pid = 11});
  const auto report = TakeCoverage(root.path(), {}, Kernel({Connection(11, 2)}, false));
  ASSERT_EQ(report.processes.size(), 1u);
  EXPECT_EQ(report.processes[0].pid, 10u);
  EXPECT_TRUE(TakeCoverage(root.path(), {}, Kernel({})).processes.empty());
}

TEST(CoverageTest, WhatIsToldHasBoundsToo) {
  FakeRoot root;
  root.Put({.pid = 10});
  root.Put({.pid = 11});
  const auto kernel = Kernel({Connection(10, 1), Connection(10, 2), Connection(11, 3)});
  EXPECT_FALSE(TakeCoverage(root.path(), {}, kernel).cut);
  const auto sockets = TakeCoverage(root.path(), {.max_sockets = 2}, kernel);
  EXPECT_TRUE(sockets.cut);
  EXPECT_EQ(sockets.processes.size(), 1u);
  const auto processes = TakeCoverage(root.path(), {.max_processes = 1}, kernel);
  EXPECT_TRUE(processes.cut);
  EXPECT_EQ(processes.processes.size(), 1u);
}

}  // namespace
}  // namespace wirespan::process
