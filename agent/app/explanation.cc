#include "agent/app/explanation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/app/printable.h"
#include "agent/app/whole_json.h"

namespace wirespan::app {
namespace {

using Json = nlohmann::ordered_json;

Json ToValue(const ProcessExplanation& process) {
  return Json{{"pid", process.pid},
              {"service", process.service},
              {"executable", process.executable},
              {"service_name_source", process.service_name_source},
              {"pod", process.pod},
              {"pod_unknown", process.pod_unknown},
              {"listening", process.listening},
              {"connections", process.connections},
              {"seen", process.seen},
              {"rule", process.rule},
              {"instrumented", process.instrumented},
              {"instrumented_why", process.instrumented_why},
              {"io_urings", process.io_urings},
              {"thirty_two_bit", process.thirty_two_bit},
              {"http1_connections", process.http1_connections},
              {"exchanges", process.exchanges},
              {"tls_connections", process.tls_connections},
              {"tls_names", process.tls_names},
              {"http2_connections", process.http2_connections},
              {"open_streams", process.open_streams},
              {"oldest_stream_seconds", process.oldest_stream_seconds},
              {"opaque_connections", process.opaque_connections},
              {"upgraded_connections", process.upgraded_connections},
              {"unseen_bytes", process.unseen_bytes}};
}

ProcessExplanation FromValue(const Json& json) {
  ProcessExplanation process;
  process.pid = json.value("pid", 0u);
  process.service = json.value("service", "");
  process.executable = json.value("executable", "");
  process.service_name_source = json.value("service_name_source", "");
  process.pod = json.value("pod", "");
  process.pod_unknown = json.value("pod_unknown", "");
  process.listening = json.value("listening", std::vector<std::uint16_t>{});
  process.connections = json.value("connections", std::uint64_t{0});
  process.seen = json.value("seen", true);
  process.rule = json.value("rule", "");
  process.instrumented = json.value("instrumented", false);
  process.instrumented_why = json.value("instrumented_why", "");
  process.io_urings = json.value("io_urings", 0u);
  process.thirty_two_bit = json.value("thirty_two_bit", false);
  process.http1_connections = json.value("http1_connections", std::uint64_t{0});
  process.exchanges = json.value("exchanges", std::uint64_t{0});
  process.tls_connections = json.value("tls_connections", std::uint64_t{0});
  process.tls_names = json.value("tls_names", std::vector<std::string>{});
  process.http2_connections = json.value("http2_connections", std::uint64_t{0});
  process.open_streams = json.value("open_streams", std::uint64_t{0});
  process.oldest_stream_seconds = json.value("oldest_stream_seconds", std::uint64_t{0});
  process.opaque_connections = json.value("opaque_connections", std::uint64_t{0});
  process.upgraded_connections = json.value("upgraded_connections", std::uint64_t{0});
  process.unseen_bytes = json.value("unseen_bytes", std::uint64_t{0});
  return process;
}

std::string Names(const std::vector<std::string>& names) {
  return names.empty() ? std::string("no server name") : fmt::format("{}", fmt::join(names, ", "));
}

// Names and paths are other people's bytes: nothing of them may steer the terminal.
void Line(std::string& out, const std::string& sentence) {
  out += "    " + Printable(sentence) + "\n";
}

// "1 connection", "3 connections".
std::string Count(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// "3 HTTP/1 connections and 1 HTTP/2 connection".
std::string Connections(const ProcessExplanation& process) {
  std::string out;
  if (process.http1_connections > 0 || process.http2_connections == 0)
    out = Count(process.http1_connections, "HTTP/1 connection");
  if (process.http2_connections == 0) return out;
  if (!out.empty()) out += " and ";
  return out + Count(process.http2_connections, "HTTP/2 connection");
}

std::string Paragraph(const ProcessExplanation& process, const std::string& backend) {
  std::string out = fmt::format(
      "{} {} ({})\n", process.pid, Printable(process.service),
      process.executable.empty() ? "executable unknown" : Printable(process.executable));
  if (!process.pod.empty()) Line(out, "pod " + process.pod);
  if (!process.pod_unknown.empty()) {
    Line(out, "in a pod of which nothing was told yet, uid " + process.pod_unknown +
                  " (see the notes on this node)");
  }
  if (!process.listening.empty()) {
    Line(out, fmt::format("listens on {} {}", process.listening.size() == 1 ? "port" : "ports",
                          fmt::join(process.listening, ", ")));
  }
  if (!process.seen) {
    Line(out, "not observed: " + process.rule);
    return out;
  }
  if (process.exchanges + process.http1_connections + process.http2_connections > 0) {
    Line(out, fmt::format("seen: {} on {}, by {}", Count(process.exchanges, "exchange"),
                          Connections(process), backend));
    if (process.open_streams > 0) {
      Line(out, fmt::format("under way: {}, the oldest for {} s",
                            Count(process.open_streams, "HTTP/2 stream"),
                            process.oldest_stream_seconds));
    }
  } else if (process.tls_connections + process.opaque_connections == 0) {
    Line(out, fmt::format("observed: {} open, nothing to read passed on {} yet",
                          Count(process.connections, "connection"),
                          process.connections == 1 ? "it" : "them"));
  }
  if (process.instrumented) Line(out, process.instrumented_why + " (see traces.mode)");
  for (const std::string& sentence : MissingOf(process)) Line(out, sentence);
  return out;
}

struct Note {
  std::string_view reason;
  std::string_view sentence;
};

// Reasons of KernelCount that a person should know of, in words.
constexpr Note kNotes[] = {
    {"io_uring", "transfers by io_uring: their buffers are out of reach, lengths alone are known"},
    {"thirty_two_bit", "calls of 32-bit programs: not supported, not seen"},
    {"kernel_thread", "calls of kernel threads: not seen"},
    {"fault", "calls whose buffer could not be read at that moment"},
    {"ring_full",
     "calls lost because the ring was full: raise capture.ring_bytes or give the agent more CPU"},
    {"share", "calls lost because one process used more than its share of a filling ring"},
    {"nested", "calls lost inside another one on the same CPU"},
    {"recursion",
     "runs of a BPF program left out by the kernel, because a task that lost its CPU was inside of "
     "it: what they would have told is lost"},
};

}  // namespace

std::vector<std::string> MissingOf(const ProcessExplanation& process) {
  std::vector<std::string> out;
  if (process.tls_connections > 0) {
    out.push_back(
        fmt::format("not seen: {} ({}): the bytes are encrypted on the socket, and TLS is "
                    "not read yet",
                    Count(process.tls_connections, "TLS connection"), Names(process.tls_names)));
  }
  if (process.io_urings > 0) {
    out.push_back(
        fmt::format("may be missing: it has {} open, and the bytes of transfers by it are "
                    "out of reach",
                    Count(process.io_urings, "io_uring")));
  }
  if (process.thirty_two_bit)
    out.push_back("not seen: it is a 32-bit program, whose calls are counted but not read");
  if (process.unseen_bytes > 0) {
    out.push_back(
        fmt::format("not seen: {} where a message had to be read (lost, or out of the "
                    "backend's reach)",
                    Count(process.unseen_bytes, "byte")));
  }
  if (process.opaque_connections > 0) {
    out.push_back(fmt::format("ignored: {} with neither HTTP nor TLS",
                              Count(process.opaque_connections, "connection")));
  }
  if (process.upgraded_connections > 0) {
    out.push_back(fmt::format("ignored after an upgrade or CONNECT: {}",
                              Count(process.upgraded_connections, "connection")));
  }
  return out;
}

void AddKernelNotes(const kernel::SourceStatus& status, Explanation& explanation) {
  for (const auto& count : status.counts) {
    for (const auto& note : kNotes) {
      if (count.reason != note.reason || count.events == 0) continue;
      const std::string bytes = count.bytes > 0 ? fmt::format(" ({} bytes)", count.bytes) : "";
      explanation.notes.push_back(fmt::format("{} {}{}", count.events, note.sentence, bytes));
    }
  }
}

std::string ToJson(const Explanation& explanation) {
  Json json;
  json["backend"] = explanation.backend;
  json["processes"] = Json::array();
  for (const auto& process : explanation.processes) json["processes"].push_back(ToValue(process));
  json["notes"] = explanation.notes;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Explanation> ExplanationFromJson(std::string_view text) {
  const auto json = ParseWholeJson<Json>(text);
  if (!json.is_object()) return std::nullopt;
  try {
    Explanation explanation;
    explanation.backend = json.value("backend", "");
    if (json.contains("processes")) {
      for (const auto& process : json["processes"])
        explanation.processes.push_back(FromValue(process));
    }
    explanation.notes = json.value("notes", std::vector<std::string>{});
    return explanation;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string ToText(const Explanation& explanation, std::uint32_t pid) {
  std::string out = "capture backend: " + explanation.backend + "\n\n";
  std::size_t shown = 0;
  for (const auto& process : explanation.processes) {
    if (pid != 0 && process.pid != pid) continue;
    out += Paragraph(process, explanation.backend);
    ++shown;
  }
  if (shown == 0) {
    out += pid != 0 ? fmt::format("process {} has no stream sockets, or does not exist\n", pid)
                    : std::string("no process has stream sockets\n");
  }
  if (!explanation.notes.empty()) out += "\non this node:\n";
  for (const auto& note : explanation.notes) Line(out, note);
  return out;
}

}  // namespace wirespan::app
