// The same load by nghttp2, for the one compression that gRPC C++ 1.51 can't name: peers who go by
// grpc-encoding need its name.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <vector>

#include "common/otlp/signal.h"
#include "tests/bench/gateway/generate.h"
#include "tests/bench/gateway/payload.h"
#include "tests/support/http2_client.h"

namespace wirespan::bench {

namespace {

using std::chrono::steady_clock;
using wirespan::testing::Http2Client;

// A gRPC message: compressed, and its length in front.
std::string Framed(const GenerateOptions& options, std::uint64_t number) {
  otlp::Compressor compressor;
  std::string bytes;
  compressor.Compress(options.compression, TraceRequest(number, options.spans), bytes);
  std::string framed(1, '\1');
  for (int shift = 24; shift >= 0; shift -= 8) {
    framed.push_back(static_cast<char>(bytes.size() >> shift & 0xff));
  }
  return framed.append(bytes);
}

}  // namespace

void GenerateHttp2(const GenerateOptions& options) {
  std::vector<std::string> messages;
  for (std::uint64_t i = 0; i < options.distinct; ++i) {
    messages.push_back(Framed(options, options.first + i));
  }
  std::uint16_t port = 0;
  const std::string_view text =
      std::string_view(options.target).substr(options.target.rfind(':') + 1);
  std::from_chars(text.data(), text.data() + text.size(), port);
  Http2Client client(port);
  const Http2Client::Fields fields = {
      {"content-type", "application/grpc"},
      {"te", "trailers"},
      {"grpc-encoding", std::string(EncodingName(options.compression))}};

  std::uint64_t acked = 0;
  std::uint64_t sent = 0;
  std::map<std::string, std::uint64_t> refused;
  std::vector<std::int32_t> under_way;
  const auto start = steady_clock::now();
  const auto end =
      start + std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000));
  const auto settle = [&] {
    std::erase_if(under_way, [&](std::int32_t id) {
      const Http2Client::Answer& answer = client.answer(id);
      if (!answer.closed) return false;
      const std::string status = answer.Trailer("grpc-status").empty()
                                     ? answer.Header("grpc-status")
                                     : answer.Trailer("grpc-status");
      if (status == "0") {
        ++acked;
      } else {
        ++refused[status.empty() ? "none" : status];
      }
      return true;
    });
    while (under_way.size() < options.in_flight && steady_clock::now() < end) {
      under_way.push_back(client.Begin("POST", otlp::GrpcMethod(otlp::Signal::kTraces), fields,
                                       messages[sent++ % messages.size()]));
    }
  };
  settle();
  const auto answered = [&] {
    return std::any_of(under_way.begin(), under_way.end(),
                       [&](std::int32_t id) { return client.answer(id).closed; });
  };
  while (!under_way.empty() && client.RunUntil(answered)) settle();

  std::string codes;
  for (const auto& [code, count] : refused) {
    codes += fmt::format("{}\"{}\": {}", codes.empty() ? "" : ", ", code, count);
  }
  fmt::print(
      "{{\"seconds\": {:.3f}, \"acked_requests\": {}, \"acked_spans\": {}, \"refused\": {{{}}}}}\n",
      std::chrono::duration<double>(steady_clock::now() - start).count(), acked,
      acked * options.spans, codes);
}

}  // namespace wirespan::bench
