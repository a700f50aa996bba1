// The byte logic of the kernel side, on the host: which bytes of each call are copied.
#include "bpf/lib/infer/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace wirespan {
namespace {

enum class Way { kRead, kWrite };

// One socket, as bpf/lib/io.h drives the machine: windows copied as asked for, what is kept
// remembered.
class Socket {
 public:
  // Returns the call's bytes with a '#' for each that was not copied.
  std::string Call(Way way, std::string_view bytes) {
    ws_dir& dir = dirs_[static_cast<std::size_t>(way)];
    std::string kept(bytes.size(), '#');
    ws_plan plan{};
    plan.start = next_[static_cast<std::size_t>(way)];
    plan.len = static_cast<__u32>(bytes.size());
    plan.head_max = 16384;
    plan.turned = calls_++ == 0 || way != last_;
    last_ = way;
    ws_begin(&dir, &talk_, &plan);
    while (plan.want != 0) {
      // Stale bytes of an earlier window must not decide anything.
      std::array<__u8, WS_WINDOW + 64> window{};
      window.fill('\n');
      const __u32 pos = plan.pos;
      const __u32 want = plan.want;
      std::memcpy(window.data(), bytes.data() + pos, want);
      ws_digest(&dir, &talk_, &plan, window.data(), want);
      for (__u32 i = 0; i < plan.keep; ++i) kept[pos + i] = bytes[pos + i];
      EXPECT_TRUE(plan.want == 0 || plan.pos >= pos);
    }
    next_[static_cast<std::size_t>(way)] += bytes.size();
    last_act_ = plan.act;
    handed_on_at_ = plan.pos;
    return kept;
  }
  // Of the last call: what it is found to be, and from where on.
  int act() const { return last_act_; }
  __u32 handed_on_at() const { return handed_on_at_; }
  std::string Read(std::string_view bytes) { return Call(Way::kRead, bytes); }
  std::string Write(std::string_view bytes) { return Call(Way::kWrite, bytes); }

 private:
  std::array<ws_dir, 2> dirs_{};
  std::array<std::uint64_t, 2> next_{};
  ws_talk talk_{};
  Way last_ = Way::kRead;
  int calls_ = 0;
  int last_act_ = WS_ACT_NONE;
  __u32 handed_on_at_ = 0;
};

std::string Get(int i) {
  return "GET /bytes?p=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

std::string Answer(std::size_t body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body) + "\r\n\r\n" +
         std::string(body, 'b');
}

// How many of the answers' heads were copied.
int HeadsIn(std::string_view kept) {
  int heads = 0;
  for (std::size_t at = kept.find("HTTP/1.1 200 OK\r\n"); at != std::string_view::npos;
       at = kept.find("HTTP/1.1 200 OK\r\n", at + 1)) {
    ++heads;
  }
  return heads;
}

TEST(BpfStreamTest, AHeadIsCopiedAndALargeBodyIsNot) {
  Socket socket;
  EXPECT_EQ(socket.Write(Get(1)), Get(1));
  const std::string answer = Answer(5000);
  const std::string kept = socket.Read(answer);
  const std::size_t head = answer.find("\r\n\r\n") + 4;
  EXPECT_EQ(kept.substr(0, head), answer.substr(0, head));
  EXPECT_EQ(kept.substr(head), std::string(5000, '#'));
  EXPECT_EQ(socket.Read(std::string(8000, 'b')), std::string(8000, '#'));
}

TEST(BpfStreamTest, AnswersToRequestsOfOneCallAreAllCopiedWhenOneCallReadsThem) {
  Socket socket;
  std::string requests;
  std::string answers;
  for (int i = 0; i < 16; ++i) {
    requests += Get(i);
    answers += Answer(3);
  }
  ASSERT_LT(requests.size(), std::size_t{WS_WINDOW});
  EXPECT_EQ(socket.Write(requests), requests);
  EXPECT_EQ(HeadsIn(socket.Read(answers + answers)), 32);
}

TEST(BpfStreamTest, AnswersToRequestsOfSeveralCallsAreAllCopiedWhenOneCallReadsThem) {
  Socket socket;
  for (int i = 0; i < 16; ++i) EXPECT_EQ(socket.Write(Get(i)), Get(i));
  std::string answers;
  for (int i = 0; i < 16; ++i) answers += Answer(300);
  EXPECT_EQ(HeadsIn(socket.Read(answers)), 16);
}

TEST(BpfStreamTest, AnAnswerThatBeginsBehindABodyInTheMiddleOfACallIsCopied) {
  for (std::size_t cut :
       {std::size_t{100}, std::size_t{1000}, std::size_t{1500}, std::size_t{3000}}) {
    SCOPED_TRACE(cut);
    Socket socket;
    socket.Write(Get(1) + Get(2) + Get(3));
    const std::string answers = Answer(2000) + Answer(2000) + Answer(2000);
    const std::string first = socket.Read(std::string_view(answers).substr(0, cut));
    const std::string rest = socket.Read(std::string_view(answers).substr(cut));
    EXPECT_EQ(HeadsIn(first + rest), 3);
  }
}

TEST(BpfStreamTest, ARequestBehindAPreambleOfTheProxyProtocolIsCopiedWithIt) {
  using namespace std::string_view_literals;
  const std::string version2 = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"sv) +
                               std::string("\x7f\0\0\1\x7f\0\0\2\x12\x34\0\x50"sv);
  for (const std::string& preamble :
       {std::string("PROXY TCP4 127.0.0.5 127.0.0.1 40000 80\r\n"), version2}) {
    SCOPED_TRACE(preamble);
    Socket together;
    EXPECT_EQ(together.Read(preamble + Get(1)), preamble + Get(1));
    Socket apart;
    EXPECT_EQ(apart.Read(preamble), preamble);
    EXPECT_EQ(apart.Read(Get(1)), Get(1));
  }
}

TEST(BpfStreamTest, Http2BehindALineOfTheProxyProtocolIsFound) {
  const std::string head = "PRI * HTTP/2.0\r\n\r\n";
  const std::string rest("SM\r\n\r\n\0\0\0\4\0\0\0\0\0", 15);
  for (const std::string line : {"PROXY TCP4 127.0.0.5 127.0.0.1 40000 80\r\n", "PROXY UNKNOWN\r\n",
                                 "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"}) {
    SCOPED_TRACE(line);
    Socket together;
    EXPECT_EQ(together.Read(line + head + rest), line + head + std::string(rest.size(), '#'));
    EXPECT_EQ(together.act(), WS_ACT_HTTP2_CUT);
    EXPECT_EQ(together.handed_on_at(), line.size() + head.size());
    Socket apart;
    EXPECT_EQ(apart.Read(line), line);
    EXPECT_EQ(apart.act(), WS_ACT_NONE);
    apart.Read(head + rest);
    EXPECT_EQ(apart.act(), WS_ACT_HTTP2_CUT);
    EXPECT_EQ(apart.handed_on_at(), head.size());
  }
  Socket other;
  other.Read("PUT / HTTP/1.1\r\nHost: PRI * HTTP/2.0\r\n\r\n");
  EXPECT_EQ(other.act(), WS_ACT_NONE);
}

TEST(BpfStreamTest, PipelinedBodiesAreCopiedToABoundOnly) {
  Socket socket;
  socket.Write(Get(1) + Get(2));
  const std::string kept = socket.Read(Answer(1 << 20));
  EXPECT_GT(kept.find('#'), std::size_t{WS_REST_PIPELINED} / 2);
  EXPECT_LT(kept.find('#'), std::size_t{WS_REST_PIPELINED} + 4096);
}

TEST(BpfStreamTest, RequestsThatWaitForTheirAnswersAreNotTakenForPipelined) {
  Socket socket;
  for (int i = 0; i < 20; ++i) {
    socket.Write(Get(i));
    const std::string kept = socket.Read(Answer(4000));
    EXPECT_EQ(kept.back(), '#');
  }
}

TEST(BpfStreamTest, OfAPlainAnswerTheHeadIsCopiedAlone) {
  Socket socket;
  socket.Write(Get(1));
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>twenty octets.";
  const std::string kept = socket.Read(answer);
  EXPECT_EQ(kept, answer.substr(0, answer.size() - 20) + std::string(20, '#'));
}

TEST(BpfStreamTest, AnswersToARequestHiddenBehindABodyAreAllCopied) {
  const std::string post = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n<body>";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>";
  Socket socket;
  EXPECT_EQ(socket.Write(post + Get(2)), post + Get(2));
  EXPECT_EQ(socket.Read(answer + answer), answer + answer);
}

TEST(BpfStreamTest, ABodyThatMayBeChunkedIsCopiedBehindItsHead) {
  Socket socket;
  socket.Write(Get(1));
  const std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" +
                             std::string(40, 'e') + "\r\nhello\r\n0\r\n\r\n";
  EXPECT_EQ(socket.Read(answer), answer);
}

TEST(BpfStreamTest, AGlanceSaysWhatAProperLookWouldSay) {
  const std::array<std::string, 12> rests = {
      "ET /index.html",     "OST /a HTTP/1.1",        "TTP/1.1 200 OK",    "UT / HTTP/1.1",
      "RI * HTTP/2.0\r\n",  "-METHOD_ / HTTP",        " / HTTP/1.1\r\n",   "\n\r\n\r\n\r\n\r\n",
      "\n\r\n\0\r\nQUIT\n", "\x03\x01\x02\0\x01\0\0", "ET\tx  / HTTP/1.1", "OST\r /a HTTP/1.1"};
  int sure = 0;
  for (int first = 0; first < 256; ++first) {
    for (const std::string& rest : rests) {
      for (std::uint32_t n = 1; n < 15; ++n) {
        std::array<__u8, WS_WINDOW + 64> window{};
        window.fill('A');
        window[0] = static_cast<__u8>(first);
        std::memcpy(window.data() + 1, rest.data(), std::min<std::size_t>(rest.size(), 14));
        const __u32 glance = ws_glance(window.data(), n);
        if (glance == WS_LOOK_UNSURE) continue;
        ++sure;
        for (const int complete : {0, 1}) {
          EXPECT_EQ(glance, ws_classify(window.data(), n, complete)) << first << " " << rest << n;
        }
      }
    }
  }
  EXPECT_GT(sure, 10000);
}

}  // namespace
}  // namespace wirespan
