#include "agent/kernel/decode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "bpf/abi/event.h"

namespace wirespan::kernel {
namespace {

std::string Exec(std::string_view groups, std::string_view filename, std::string_view arguments) {
  ws_exec exec{};
  exec.header.kind = WS_EVENT_EXEC;
  exec.header.ts_ns = 9;
  exec.header.tgid = 5;
  exec.parent_tgid = 4;
  exec.groups_size = static_cast<__u16>(groups.size());
  exec.filename_size = static_cast<__u16>(filename.size());
  exec.arguments_size = static_cast<__u16>(arguments.size());
  exec.header.size =
      static_cast<__u32>(sizeof(exec) + groups.size() + filename.size() + arguments.size());
  std::string record(sizeof(exec), '\0');
  std::memcpy(record.data(), &exec, sizeof(exec));
  return record.append(groups).append(filename).append(arguments);
}

TEST(DecodeTest, AnExecTellsGroupsProgramAndArguments) {
  const std::string_view arguments("true\0", 5);
  connection::Event event{};
  const std::string record = Exec("1:memory:/a\n0::/b\n", "/bin/true", arguments);
  ASSERT_TRUE(DecodeRecord(record, event));
  const auto& exec = std::get<connection::ExecEvent>(event);
  EXPECT_EQ(exec.ts_ns, 9u);
  EXPECT_EQ(exec.pid, 5u);
  EXPECT_EQ(exec.parent_pid, 4u);
  EXPECT_EQ(exec.groups, "1:memory:/a\n0::/b\n");
  EXPECT_EQ(exec.filename, "/bin/true");
  EXPECT_EQ(exec.arguments, arguments);
  const std::string bare = Exec("", "", "");
  ASSERT_TRUE(DecodeRecord(bare, event));
  EXPECT_EQ(std::get<connection::ExecEvent>(event).groups, "");
}

TEST(DecodeTest, AnExecWhoseSizesDoNotAddUpIsNone) {
  connection::Event event{};
  const std::string whole = Exec("0::/b\n", "/bin/true", "true");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    std::string record = whole.substr(0, cut);
    EXPECT_FALSE(DecodeRecord(record, event)) << cut;
    // Nor if its head says that this is all.
    const auto size = static_cast<__u32>(cut);
    if (cut < sizeof(ws_event_header)) continue;
    std::memcpy(record.data() + offsetof(ws_event_header, size), &size, sizeof(size));
    EXPECT_FALSE(DecodeRecord(record, event)) << cut;
  }
  EXPECT_FALSE(DecodeRecord(whole + "x", event));
}

}  // namespace
}  // namespace wirespan::kernel
