#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/otlp/compress.h"
#include "common/otlp/wire.h"
#include "gateway/sink/debug_sender.h"
#include "gateway/sink/file_sender.h"

namespace wirespan::gateway {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string OneSpan(std::string_view name = "GET /") {
  std::string value;
  otlp::AppendBytesField(value, 1, "a\x1b[2Jb");
  std::string attribute;
  otlp::AppendBytesField(attribute, 1, "key");
  otlp::AppendBytesField(attribute, 2, value);
  std::string span;
  otlp::AppendBytesField(span, 1, std::string(16, '\x0a'));
  otlp::AppendBytesField(span, 2, std::string(8, '\x0b'));
  otlp::AppendBytesField(span, 5, name);
  otlp::AppendVarintField(span, 6, 2);
  otlp::AppendBytesField(span, 9, attribute);
  std::string scope;
  otlp::AppendBytesField(scope, 2, span);
  std::string resource;
  otlp::AppendBytesField(resource, 2, scope);
  std::string request;
  otlp::AppendBytesField(request, 1, resource);
  return request;
}

class FileSenderTest : public ::testing::Test {
 protected:
  FileSenderTest() {
    std::string pattern = (fs::temp_directory_path() / "gateway-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileSenderTest() override { fs::remove_all(folder_); }
  std::vector<std::string> Lines(const fs::path& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  fs::path folder_;
};

TEST_F(FileSenderTest, WritesALineOfJsonForEachRequestBeforeItAnswers) {
  auto writer = FileWriter::Open({.path = folder_ / "out.json"});
  ASSERT_TRUE(writer) << writer.error().message;
  auto sender = CreateFileSender(*writer);
  for (int i = 1; i <= 2; ++i) {
    bool ok = false;
    sender->Send({.items = 1, .bytes = Bytes(OneSpan())},
                 [&](Outcome outcome) { ok = outcome.ok(); });
    EXPECT_TRUE(ok);
    EXPECT_EQ(Lines(folder_ / "out.json").size(), static_cast<std::size_t>(i));
  }
  EXPECT_THAT(Lines(folder_ / "out.json")[0],
              HasSubstr(R"("traceId":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a")"));
}

TEST_F(FileSenderTest, WritesProtoWithLengthsInFront) {
  auto writer = FileWriter::Open({.path = folder_ / "out.bin", .format = Encoding::kProto});
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->Write(Signal::kTraces, Bytes(OneSpan())));
  std::ifstream file(folder_ / "out.bin", std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  ASSERT_EQ(content.size(), OneSpan().size() + 4);
  EXPECT_EQ(static_cast<unsigned char>(content[3]), OneSpan().size());
  EXPECT_EQ(content.substr(4), OneSpan());
}

TEST_F(FileSenderTest, CompressesEachRecordByItselfWithItsLengthInFront) {
  for (const Encoding format : {Encoding::kProto, Encoding::kJson}) {
    auto writer = FileWriter::Open(
        {.path = folder_ / "out.zst", .format = format, .compression = Compression::kZstd});
    ASSERT_TRUE(writer);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE((*writer)->Write(Signal::kTraces, Bytes(OneSpan())));
    std::ifstream file(folder_ / "out.zst", std::ios::binary);
    std::string content(std::istreambuf_iterator<char>(file), {});
    for (int i = 0; i < 2; ++i) {
      ASSERT_GT(content.size(), 4u);
      const auto size =
          static_cast<unsigned char>(content[2]) * 256u + static_cast<unsigned char>(content[3]);
      std::string plain;
      ASSERT_EQ(otlp::Decompressor().Decompress(otlp::Encoding::kZstd, content.substr(4, size),
                                                1 << 20, plain),
                otlp::Decompressor::Outcome::kOk);
      if (format == Encoding::kProto) {
        EXPECT_EQ(plain, OneSpan());
      } else {
        EXPECT_THAT(plain, HasSubstr(R"("traceId":"0a0a0a)"));
      }
      content.erase(0, 4 + size);
    }
    EXPECT_EQ(content, "");
  }
}

TEST_F(FileSenderTest, RotatesAndKeepsSoManyBackups) {
  auto writer =
      FileWriter::Open({.path = folder_ / "out.json", .max_megabytes = 1, .max_backups = 2});
  ASSERT_TRUE(writer);
  const Bytes big(OneSpan(std::string(700 << 10, 'n')));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE((*writer)->Write(Signal::kTraces, big));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    ++files;
    EXPECT_EQ(Lines(entry.path()).size(), 1u) << entry.path();
  }
  EXPECT_EQ(files, 3u);
}

TEST_F(FileSenderTest, SaysWhichFileCannotBeOpened) {
  auto writer = FileWriter::Open({.path = folder_ / "no" / "out.json"});
  ASSERT_FALSE(writer);
  EXPECT_THAT(writer.error().message, HasSubstr("no/out.json: No such file or directory"));
}

TEST(DebugSenderTest, BasicSaysHowManyAndNothingElse) {
  EXPECT_EQ(DebugText(Signal::kTraces, OneSpan(), 1, Verbosity::kBasic),
            "debug: Traces resources=1 spans=1\n");
}

TEST(DebugSenderTest, DetailedShowsEverythingWithoutControlCharacters) {
  const std::string text = DebugText(Signal::kTraces, OneSpan(), 1, Verbosity::kDetailed);
  EXPECT_THAT(text, HasSubstr("    Name           : GET /\n"));
  EXPECT_THAT(text, HasSubstr("    Kind           : Server\n"));
  EXPECT_THAT(text, HasSubstr("     -> key: Str(a\\x1b[2Jb)\n"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(DebugSenderTest, NormalIsOneLineAnItem) {
  const std::string text = DebugText(Signal::kTraces, OneSpan(), 1, Verbosity::kNormal);
  EXPECT_THAT(text, HasSubstr("GET / 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a 0b0b0b0b0b0b0b0b key=a"));
}

TEST(DebugSenderTest, SamplesAfterTheFirstOnesOfASecond) {
  int shown = 0;
  auto sender = CreateDebugSender({.sampling_initial = 2, .sampling_thereafter = 1000000},
                                  [&](std::string_view) { ++shown; });
  for (int i = 0; i < 10; ++i) sender->Send({.signal = Signal::kLogs, .items = 1}, [](Outcome) {});
  EXPECT_LE(shown, 4);  // 2, or 4 when a new second began in between
  EXPECT_GE(shown, 2);
}

}  // namespace
}  // namespace wirespan::gateway
