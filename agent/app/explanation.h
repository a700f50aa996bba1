#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/kernel/event_source.h"

namespace wirespan::app {

// What `explain` says of one process with sockets.
struct ProcessExplanation {
  std::uint32_t pid = 0;
  std::string service{};
  std::string executable{};
  std::string pod{};                  // "namespace/pod/container"
  std::string pod_unknown{};          // the uid of a pod of which the API server said nothing
  std::string service_name_source{};  // which step of docs/naming.md named it
  std::vector<std::uint16_t> listening{};
  std::uint64_t connections = 0;  // stream sockets open now
  bool seen = true;
  std::string rule{};  // why it is not seen, or "" ("excluded by capture.filter.exclude.ports")
  bool instrumented = false;       // metrics only
  std::string instrumented_why{};  // "it exports telemetry itself"
  std::uint32_t io_urings = 0;     // rings it has open
  bool thirty_two_bit = false;
  std::uint64_t http1_connections = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t tls_connections = 0;
  std::vector<std::string> tls_names{};  // "api.example (h2)"
  std::uint64_t http2_connections = 0;
  std::uint64_t open_streams = 0;  // HTTP/2, now
  std::uint64_t oldest_stream_seconds = 0;
  std::uint64_t opaque_connections = 0;
  std::uint64_t upgraded_connections = 0;
  std::uint64_t unseen_bytes = 0;
};

struct Explanation {
  std::string backend{};
  std::vector<ProcessExplanation> processes{};  // by pid
  // Node-wide: what the kernel side counted as out of reach, as sentences ("io_uring: 12 transfers
  // of 34 kB ...").
  std::vector<std::string> notes{};
};

// What of an observed process is not seen, and why: sentences.
std::vector<std::string> MissingOf(const ProcessExplanation& process);

// What the kernel side counted as out of reach or recognised and left, as sentences.
void AddKernelNotes(const kernel::SourceStatus& status, Explanation& explanation);

std::string ToJson(const Explanation& explanation);
std::optional<Explanation> ExplanationFromJson(std::string_view text);

// For people: a paragraph a process, what is missing and why. `pid` 0: all.
std::string ToText(const Explanation& explanation, std::uint32_t pid);

}  // namespace wirespan::app
