#include "agent/kernel/header_mask.h"

#include <gtest/gtest.h>

#include <random>

#include "agent/protocol/hpack/static_table.h"
#include "tests/unit/agent/protocol/hpack/oracle.h"
#include "tests/unit/bpf/infer/frames.h"

namespace wirespan::kernel {
namespace {

using connection::DataEvent;
using frame_test::FrameStream;
using hpack::testing::Encoder;
using hpack::testing::Header;
using hpack::testing::Headers;
using hpack::testing::OracleDecoder;

constexpr std::string_view kSecret = "s3cr3t-~T0ken";

bool IsSecret(const Header& header) {
  return header.name == "authorization" || header.name == "proxy-authorization" ||
         header.name == "cookie" || header.name == "set-cookie";
}

// One direction of a connection whose records begin where frames do, or go on.
class Recorded {
 public:
  void Tell(std::string_view bytes, bool frame_start) {
    DataEvent event{};
    event.conn.cookie = 5;
    event.offset = at_;
    event.end_offset = at_ + bytes.size();
    event.frame_start = frame_start;
    std::string masked(bytes);
    mask_.Apply(event, masked);
    ASSERT_EQ(masked.size(), bytes.size());
    out_ += masked;
    at_ += bytes.size();
  }
  void Miss(std::uint64_t n) { at_ += n; }
  const std::string& out() const { return out_; }

 private:
  HeaderMask mask_{};
  std::uint64_t at_ = 0;
  std::string out_{};
};

Headers RandomHeaders(std::mt19937& random) {
  static const std::vector<std::string> kNames = {":path",  "x-id",       "authorization",
                                                  "cookie", "set-cookie", "proxy-authorization",
                                                  "te",     "x-long"};
  Headers headers{{":method", "POST"}};
  for (int i = 0; i < 12; ++i) {
    Header header{kNames[random() % kNames.size()], "value-" + std::to_string(random() % 4)};
    if (IsSecret(header)) header.value = std::string(kSecret) + std::string(random() % 40, 'Q');
    if (header.name == "x-long") header.value = std::string(random() % 300, 'l');
    header.sensitive = random() % 4 == 0;
    headers.push_back(std::move(header));
  }
  return headers;
}

// What the blocks say once they are masked: the secrets have other values, all else is as it was.
TEST(Http2HeaderMaskTest, HidesSecretsAndNothingElseAtAnyCut) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Encoder encoder;
    FrameStream stream;
    stream.Preface().Settings();
    std::vector<Headers> truth;
    for (std::uint32_t id = 1; id < 40; id += 2) {
      truth.push_back(RandomHeaders(random));
      const std::string block = encoder.Encode(truth.back());
      const std::size_t cut = random() % block.size();
      switch (random() % 4) {
        case 0:
          stream.Add(1, 0, id, block.substr(0, cut)).Add(9, 4, id, block.substr(cut));
          break;
        case 1:
          stream.Add(1, 4 | 8 | 32, id,
                     std::string("\5\0\0\0\0\7", 6) + block + std::string(5, '\0'));
          break;
        default:
          stream.Add(1, 4, id, block);
      }
      stream.Data(id, "body: cookie: of the message");
    }
    Recorded recorded;
    const std::string_view bytes = stream.bytes();
    for (std::size_t at = 0; at < bytes.size();) {
      // The kernel knows a preface by its first 16 octets.
      const std::size_t least = at == 0 ? 16 : 1;
      const std::size_t n = std::min<std::size_t>(least + random() % 200, bytes.size() - at);
      bool boundary = at == 0;
      for (const auto& f : stream.frames()) boundary = boundary || f.offset == at;
      recorded.Tell(bytes.substr(at, n), boundary);
      at += n;
    }
    const std::string& out = recorded.out();
    ASSERT_EQ(out.size(), bytes.size());
    EXPECT_EQ(out.find(kSecret), std::string::npos);

    OracleDecoder decoder;
    std::string block;
    std::size_t at = 0;
    for (const auto& f : stream.frames()) {
      const std::string_view payload = std::string_view(out).substr(f.offset + 9, f.length);
      if (f.type != 1 && f.type != 9) {
        EXPECT_EQ(payload, bytes.substr(f.offset + 9, f.length));
        continue;
      }
      block += (f.flags & 8) != 0 ? payload.substr(6, payload.size() - 11) : payload;
      if ((f.flags & 4) == 0) continue;
      const auto decoded = decoder.Decode(std::exchange(block, {}));
      ASSERT_TRUE(decoded);
      ASSERT_EQ(decoded->size(), truth[at].size());
      for (std::size_t i = 0; i < decoded->size(); ++i) {
        EXPECT_EQ((*decoded)[i].name, truth[at][i].name);
        if (IsSecret(truth[at][i])) {
          EXPECT_EQ((*decoded)[i].value.find(kSecret), std::string::npos);
        } else {
          EXPECT_EQ((*decoded)[i].value, truth[at][i].value);
        }
      }
      ++at;
    }
    EXPECT_EQ(at, truth.size());
  }
}

TEST(Http2HeaderMaskTest, HidesEverythingWhereTheFrameIsNotKnown) {
  Encoder encoder;
  const Headers headers{{"x-a", "1"}, {"authorization", std::string(kSecret), true}};
  FrameStream stream;
  stream.Settings().Add(1, 4, 1, encoder.Encode(headers)).Add(1, 4, 3, encoder.Encode(headers));
  const auto& f = stream.frames();
  for (std::size_t missed = 1; missed < f[1].length; ++missed) {
    SCOPED_TRACE(missed);
    Recorded recorded;
    recorded.Tell(std::string_view(stream.bytes()).substr(0, 15), true);
    // The first frame's header and some of its block were lost.
    recorded.Miss(9 + missed);
    recorded.Tell(std::string_view(stream.bytes()).substr(24 + missed, f[1].length - missed),
                  false);
    recorded.Tell(std::string_view(stream.bytes()).substr(f[2].offset), true);
    EXPECT_EQ(recorded.out().substr(15, f[1].length - missed),
              std::string(f[1].length - missed, 'x'));
    EXPECT_EQ(recorded.out().find(kSecret), std::string::npos);
  }
}

TEST(Http2HeaderMaskTest, KnowsTheNamesOfTheStaticTable) {
  for (std::size_t index = 1; index <= hpack::kStaticEntries; ++index) {
    SCOPED_TRACE(index);
    // Literal without indexing, that name, value in plain text.
    std::string block = index < 15 ? std::string(1, static_cast<char>(index))
                                   : std::string({'\x0f', static_cast<char>(index - 15)});
    FrameStream stream;
    stream.Add(1, 4, 1, block + "\x06secret");
    Recorded recorded;
    recorded.Tell(stream.bytes(), true);
    const bool masked = recorded.out().ends_with("xxxxxx");
    EXPECT_EQ(masked, IsSecret({std::string(hpack::StaticAt(index).text), ""}));
  }
}

// A name of the table whose entry was not seen may be anything.
TEST(Http2HeaderMaskTest, HidesTheValueOfANameThatItDoesNotKnow) {
  FrameStream stream;
  // Literal without indexing, name of entry 62, value in plain text.
  stream.Add(1, 4, 1, std::string("\x0f\x2f\x06secret", 9));
  Recorded late;
  late.Tell(stream.bytes(), true);
  EXPECT_EQ(late.out(), stream.bytes().substr(0, 12) + "xxxxxx");
}

}  // namespace
}  // namespace wirespan::kernel
