#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/kernel/recorder.h"
#include "agent/kernel/recording_format.h"
#include "agent/kernel/replay_source.h"

namespace wirespan::kernel {
namespace {

using connection::Direction;

// What a replay delivers, with its own copies of the bytes.
struct Played final : connection::EventHandler {
  void OnEvent(const connection::Event& event) override {
    kinds.push_back(event.index());
    if (const auto* data = std::get_if<connection::DataEvent>(&event)) bytes += data->captured;
    if (const auto* exec = std::get_if<connection::ExecEvent>(&event)) arguments += exec->arguments;
    if (const auto* open = std::get_if<connection::OpenEvent>(&event)) opens.push_back(*open);
  }
  std::vector<std::size_t> kinds{};
  std::string bytes{};
  std::string arguments{};
  std::vector<connection::OpenEvent> opens{};
  std::vector<RecordedProcess> processes{};
};

class RecordingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "wirespan-recording-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "events").string(); }
  std::string Bytes() const {
    std::ifstream file(path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::unique_ptr<Recorder> Make(RecorderOptions options = {}) {
    auto recorder = Recorder::Create(path(), options);
    EXPECT_TRUE(recorder) << recorder.error().message;
    return recorder ? std::move(*recorder) : nullptr;
  }
  static std::unique_ptr<ReplaySource> Play(std::string bytes, Played& played) {
    auto source = ReplaySource::FromBytes(std::move(bytes));
    EXPECT_TRUE(source);
    if (!source) return nullptr;
    (*source)->SetProcessHandler(
        [&](RecordedProcess process) { played.processes.push_back(std::move(process)); });
    while ((*source)->Poll(played, std::chrono::milliseconds(0))) {
    }
    return std::move(*source);
  }
  static connection::DataEvent Data(std::string_view bytes, std::uint64_t offset = 0) {
    connection::DataEvent data{};
    data.conn.cookie = 7;
    data.direction = Direction::kWrite;
    data.offset = offset;
    data.end_offset = offset + bytes.size();
    data.captured = bytes;
    return data;
  }

  std::filesystem::path folder_{};
};

TEST_F(RecordingTest, GivesBackWhatWasWritten) {
  RecorderOptions options;
  options.head.realtime_offset_ns = -5;
  options.head.boot_id[3] = 9;
  options.head.run_id = 77;
  auto recorder = Make(options);
  RecordedProcess process{.pid = 42, .instrumented = true, .service_name = "shop"};
  process.attributes = {{"process.pid", std::int64_t{42}},
                        {"host.name", std::string("h")},
                        {"process.command_args", std::vector<std::string>{"a", "", "b"}}};
  recorder->OnProcess(process);
  connection::OpenEvent open{};
  open.conn.cookie = 7;
  open.pid = 42;
  open.local_isn = 3;
  open.wire_known = true;
  recorder->OnEvent(open);
  recorder->OnEvent(Data("GET / HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(recorder->Finish());
  EXPECT_EQ(recorder->events_written(), 2u);
  EXPECT_EQ(recorder->bytes_written(), Bytes().size());

  Played played;
  const auto source = Play(Bytes(), played);
  EXPECT_EQ(source->head().realtime_offset_ns, -5);
  EXPECT_EQ(source->head().boot_id[3], 9);
  EXPECT_EQ(source->head().run_id, 77u);
  EXPECT_EQ(played.kinds.size(), 2u);
  EXPECT_EQ(played.bytes, "GET / HTTP/1.1\r\n\r\n");
  ASSERT_EQ(played.opens.size(), 1u);
  EXPECT_TRUE(played.opens[0].wire_known);
  EXPECT_EQ(played.opens[0].local_isn, 3u);
  ASSERT_EQ(played.processes.size(), 1u);
  EXPECT_EQ(played.processes[0].service_name, "shop");
  EXPECT_TRUE(played.processes[0].instrumented);
  EXPECT_EQ(played.processes[0].attributes, process.attributes);
  EXPECT_EQ(source->damaged(), 0u);
  EXPECT_FALSE(source->cut());
}

TEST_F(RecordingTest, GivesBackFramesAndRuns) {
  connection::DataEvent frame = Data(std::string_view("\0\0\0\4\1\0\0\0\0", 9));
  frame.frame_start = true;
  frame.header_count = {4'000'000'000u, 3};
  connection::DataEvent run{};
  run.conn.cookie = 7;
  run.direction = Direction::kWrite;
  run.frame_start = true;
  run.offset = 9;
  run.end_offset = 9 + 2 * 9 + 32768;
  run.run = {.stream = 5, .frames = 2, .payload = 32768};
  for (const auto& event : {frame, run}) {
    std::string framed;
    EncodeRecordingEvent(event, framed);
    connection::Event back{};
    ASSERT_TRUE(DecodeRecordingEvent(std::string_view(framed).substr(kRecordingFrameBytes), back));
    const auto& data = std::get<connection::DataEvent>(back);
    EXPECT_TRUE(data.frame_start);
    EXPECT_EQ(data.offset, event.offset);
    EXPECT_EQ(data.end_offset, event.end_offset);
    EXPECT_EQ(data.captured, event.captured);
    EXPECT_EQ(data.header_count, event.header_count);
    EXPECT_EQ(data.run.stream, event.run.stream);
    EXPECT_EQ(data.run.frames, event.run.frames);
    EXPECT_EQ(data.run.payload, event.run.payload);
  }
  // Sums that do not add up are not believed.
  ++run.run.payload;
  std::string framed;
  EncodeRecordingEvent(run, framed);
  connection::Event back{};
  EXPECT_FALSE(DecodeRecordingEvent(std::string_view(framed).substr(kRecordingFrameBytes), back));
}

TEST_F(RecordingTest, GivesBackExecsAlsoThoseOfEarlierVersions) {
  connection::ExecEvent exec{};
  exec.ts_ns = 11;
  exec.pid = 5;
  exec.parent_pid = 4;
  exec.groups = "1:memory:/a\n0::/b\n";
  exec.filename = "/bin/true";
  exec.arguments = "true";
  const auto expect = [&](std::string_view record, std::string_view groups) {
    connection::Event back{};
    ASSERT_TRUE(DecodeRecordingEvent(record, back));
    const auto& read = std::get<connection::ExecEvent>(back);
    EXPECT_EQ(read.ts_ns, 11u);
    EXPECT_EQ(read.pid, 5u);
    EXPECT_EQ(read.parent_pid, 4u);
    EXPECT_EQ(read.groups, groups);
    EXPECT_EQ(read.filename, "/bin/true");
    EXPECT_EQ(read.arguments, "true");
  };
  std::string framed;
  EncodeRecordingEvent(exec, framed);
  expect(std::string_view(framed).substr(kRecordingFrameBytes), exec.groups);
  // Version 2: kind 5, time, pid, parent, a number, filename, arguments.
  expect(std::string_view("\5"
                          "\13\0\0\0\0\0\0\0"
                          "\5\0\0\0"
                          "\4\0\0\0"
                          "\xff\xff\0\0\0\0\0\1"
                          "\x09\0\0\0/bin/true"
                          "\4\0\0\0true",
                          46),
         "");
}

TEST_F(RecordingTest, ReadsFilesOfEarlierVersions) {
  auto recorder = Make();
  recorder->OnEvent(Data("abc"));
  ASSERT_TRUE(recorder->Finish());
  std::string file = Bytes();
  for (const char version : {1, 2, 3}) {
    file[kRecordingMagic.size()] = version;
    Played played;
    Play(file, played);
    EXPECT_EQ(played.bytes, "abc") << int{version};
  }
  for (const char version : {0, 4}) {
    file[kRecordingMagic.size()] = version;
    EXPECT_FALSE(ReplaySource::FromBytes(file)) << int{version};
  }
}

TEST_F(RecordingTest, IsReadableByItsOwnerAloneAndNeverOverwrites) {
  const auto previous = umask(0);
  auto recorder = Make();
  umask(previous);
  struct stat status{};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_FALSE(Recorder::Create(path(), {}));
  std::filesystem::create_symlink("elsewhere", folder_ / "link");
  EXPECT_FALSE(Recorder::Create((folder_ / "link").string(), {}));
}

TEST_F(RecordingTest, MasksCredentialsAndArgumentsUnlessRaw) {
  constexpr std::string_view kHead =
      "GET / HTTP/1.1\r\nAUTHORIZATION: Basic c2VjcmV0\r\nCookie: a=1\r\nHost: x\r\n\r\n";
  connection::ExecEvent exec{};
  exec.arguments = std::string_view("tool\0--password=x", 17);
  for (const bool raw : {false, true}) {
    auto recorder = Make({.raw = raw});
    // Cut in the middle of a name and of a value: the mask goes on over events.
    recorder->OnEvent(Data(kHead.substr(0, 20)));
    recorder->OnEvent(Data(kHead.substr(20, 25), 20));
    recorder->OnEvent(Data(kHead.substr(45), 45));
    recorder->OnEvent(exec);
    ASSERT_TRUE(recorder->Finish());
    Played played;
    Play(Bytes(), played);
    EXPECT_EQ(played.bytes.size(), kHead.size());
    EXPECT_EQ(played.bytes.find("c2VjcmV0") == std::string::npos, !raw) << played.bytes;
    EXPECT_EQ(played.bytes.find("a=1") == std::string::npos, !raw);
    EXPECT_NE(played.bytes.find("Host: x"), std::string::npos);
    EXPECT_EQ(played.arguments.empty(), !raw);
    std::filesystem::remove(path());
  }
}

TEST_F(RecordingTest, StaysWithinItsBoundAndCountsTheRest) {
  auto recorder = Make({.max_bytes = 4096});
  const std::string body(300, 'b');
  for (std::uint64_t i = 0; i < 100; ++i) recorder->OnEvent(Data(body, i * body.size()));
  ASSERT_TRUE(recorder->Finish());
  EXPECT_TRUE(recorder->full());
  EXPECT_EQ(recorder->events_written() + recorder->events_dropped(), 100u);
  EXPECT_LE(Bytes().size(), 4096u);
  Played played;
  EXPECT_EQ(Play(Bytes(), played)->damaged(), 0u);
  EXPECT_EQ(played.kinds.size(), recorder->events_written());
}

TEST_F(RecordingTest, LeavesOutADamagedRecordAndSaysSo) {
  auto recorder = Make();
  for (std::uint64_t i = 0; i < 3; ++i) recorder->OnEvent(Data("abc", 3 * i));
  ASSERT_TRUE(recorder->Finish());
  const std::string whole = Bytes();
  const std::size_t each = (whole.size() - kRecordingHeadBytes) / 3;
  std::string damaged = whole;
  damaged[kRecordingHeadBytes + each + kRecordingFrameBytes + 5] ^= 1;
  Played played;
  const auto source = Play(damaged, played);
  EXPECT_EQ(played.kinds.size(), 2u);
  EXPECT_EQ(source->damaged(), 1u);
  EXPECT_FALSE(source->cut());
}

TEST_F(RecordingTest, SurvivesEveryCut) {
  auto recorder = Make();
  recorder->OnProcess({.pid = 1, .service_name = "s", .attributes = {{"k", std::string("v")}}});
  for (std::uint64_t i = 0; i < 3; ++i) recorder->OnEvent(Data("abc", 3 * i));
  ASSERT_TRUE(recorder->Finish());
  const std::string whole = Bytes();
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    SCOPED_TRACE(cut);
    if (cut < kRecordingHeadBytes) {
      EXPECT_FALSE(ReplaySource::FromBytes(whole.substr(0, cut)));
      continue;
    }
    Played played;
    const auto source = Play(whole.substr(0, cut), played);
    EXPECT_LE(source->damaged(), 1u);
    EXPECT_EQ(source->damaged() == 1, source->cut());
  }
}

TEST_F(RecordingTest, RefusesAForeignFile) {
  const auto foreign = ReplaySource::FromBytes(std::string(200, 'x'));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(RecordingTest, BelievesNoCount) {
  // A process record that claims four billion attributes in a few bytes.
  RecordedProcess process{.pid = 1};
  std::string framed;
  EncodeRecordingProcess(process, framed);
  std::string record = framed.substr(kRecordingFrameBytes);
  record.replace(record.size() - 4, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(DecodeRecordingProcess(record, process));
}

}  // namespace
}  // namespace wirespan::kernel
