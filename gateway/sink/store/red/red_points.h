#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What an agent's RED metrics say, taken out of OTLP and brought into the words of rates. The agent
// counts every exchange in them before any sampling (docs/spans.md, "Metrics").
namespace wirespan::gateway::store::red {

// Which metric: a number on disk, never change one.
enum class RedKind : std::uint8_t {
  kHttpClient = 0,
  kHttpServer = 1,
  kRpcClient = 2,
  kRpcServer = 3,
};
inline constexpr std::uint64_t kRedKinds = 4;
inline bool Serves(RedKind kind) { return (static_cast<unsigned>(kind) & 1) != 0; }
inline std::uint64_t SpanKindOf(RedKind kind) { return Serves(kind) ? 2 : 3; }  // OTLP's numbers

// How often each bucket was hit, ascending, none empty: of a histogram with bounds the number of
// the bucket, of an exponential one the number of the bucket of rates::Durations.
using BucketCounts = std::vector<std::pair<std::uint16_t, std::uint64_t>>;

struct RedPoint {
  std::uint64_t stream = 0;  // names it within its family: a hash of all its attributes
  std::string operation{};   // as the agent names the spans; rates::kOther: an overflow
  bool error = false;
  std::string peer{};  // of a client: what it called, "address:port"
  std::uint64_t start_ns = 0;
  std::uint64_t time_ns = 0;
  bool delta = false;  // else cumulative
  BucketCounts counts{};
};

// Points of one metric of one service instance.
struct RedFamily {
  std::string service{};
  std::string instance{};  // service.instance.id
  RedKind kind = RedKind::kHttpServer;
  std::vector<double> bounds{};  // s, inclusive upper ones; empty and `exponential`: none
  bool exponential = false;
  std::vector<RedPoint> points{};
};

struct RedReport {
  std::vector<RedFamily> families{};
  // Data points: of an agent's RED metrics, and why some of these are not in `families`.
  std::uint64_t points = 0;
  std::uint64_t malformed = 0;
  std::uint64_t instrumented = 0;  // their process tells its exchanges itself, by its own spans
};

// Of an ExportMetricsServiceRequest. What is malformed is passed over and counted.
RedReport ReadRedReport(std::string_view request);

// As a log of the store keeps them: a request without spans whose field 100 is this (so that who
// does not know it passes it over).
std::string EncodeRedRecord(const std::vector<RedFamily>& families);
// Empty: it is no such request, or malformed.
std::vector<RedFamily> DecodeRedRecord(std::string_view request);

// "address:port" as a series names what was called; without the port if that is 0, 80 or 443.
std::string PeerText(std::string_view address, std::uint64_t port);
// The name that the agent gives such spans.
std::string OperationText(RedKind kind, std::string_view method, std::string_view route);

inline constexpr std::string_view kAgentScope = "wirespan-agent";

}  // namespace wirespan::gateway::store::red
