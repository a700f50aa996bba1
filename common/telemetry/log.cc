#include "common/telemetry/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "common/base/hash.h"
#include "common/base/strings.h"

namespace wirespan::log {
namespace {

constexpr std::uint64_t kMinuteNs = 60'000'000'000;
constexpr std::size_t kMaxIncidents = 1024;  // keys remembered by WriteLimited

struct Output {
  std::shared_ptr<spdlog::logger> logger{};
  bool json = false;
  std::string fields{};  // ready to stand at the end of a line
};

struct Incident {
  std::uint64_t written_ns = 0;
  std::uint64_t suppressed = 0;
};

struct State {
  std::atomic<Level> level{Level::kInfo};
  std::atomic<const Clock*> clock{&SystemClock()};
  std::mutex output_mutex;  // guards output
  std::shared_ptr<const Output> output;
  std::mutex incidents_mutex;  // guards incidents
  std::unordered_map<std::string, Incident, StringHash, std::equal_to<>> incidents;
};

std::string_view Name(Level level, bool json) {
  switch (level) {
    case Level::kDebug:
      return json ? "debug" : "DEBUG";
    case Level::kInfo:
      return json ? "info" : "INFO ";
    case Level::kWarn:
      return json ? "warn" : "WARN ";
    case Level::kError:
      return json ? "error" : "ERROR";
  }
  return json ? "error" : "ERROR";
}

// One line stays one line, whatever a peer or a file name put into it.
std::string Escape(std::string_view message, bool json) {
  std::string out;
  out.reserve(message.size());
  for (const char c : message) {
    if (json && (c == '"' || c == '\\')) {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += json ? "\\t" : "\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += json ? fmt::format("\\u{:04x}", static_cast<unsigned char>(c))
                  : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return ToUtf8(out);
}

void EmitTo(const Output& output, Level level, std::string_view message) {
  const std::string line =
      output.json
          ? fmt::format(R"("level":"{}","message":"{}"{})", Name(level, true),
                        Escape(message, true), output.fields)
          : fmt::format("{} {}{}", Name(level, false), Escape(message, false), output.fields);
  output.logger->log(spdlog::level::info, spdlog::string_view_t(line));
}

// Null: can't be opened.
spdlog::sink_ptr SinkOf(const std::string& output) {
  if (output == "stderr") return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (output == "stdout") return std::make_shared<spdlog::sinks::stdout_sink_mt>();
  try {
    return std::make_shared<spdlog::sinks::basic_file_sink_mt>(output);
  } catch (const spdlog::spdlog_ex&) {
    return nullptr;
  }
}

std::string FieldsText(const Options& options) {
  std::string text;
  for (const auto& [key, value] : options.fields) {
    text += options.json ? fmt::format(R"(,"{}":"{}")", Escape(key, true), Escape(value, true))
                         : fmt::format(" {}={}", Escape(key, false), Escape(value, false));
  }
  return text;
}

std::shared_ptr<const Output> MakeOutput(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  std::vector<std::string> failed;
  for (const std::string& output : options.outputs) {
    if (auto sink = SinkOf(output)) {
      sinks.push_back(std::move(sink));
    } else {
      failed.push_back(output);
    }
  }
  if (sinks.empty() || !failed.empty()) sinks.push_back(SinkOf("stderr"));
  auto logger = std::make_shared<spdlog::logger>("wirespan", sinks.begin(), sinks.end());
  // Levels are filtered here, not in spdlog; %v carries our own level and escaped text.
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      options.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
      spdlog::pattern_time_type::utc));
  auto made = std::make_shared<const Output>(
      Output{.logger = std::move(logger), .json = options.json, .fields = FieldsText(options)});
  for (const std::string& output : failed) {
    EmitTo(*made, Level::kError,
           fmt::format("log: {} can't be written to; lines go to standard error instead", output));
  }
  return made;
}

// Never destroyed: destructors of other statics may still log.
State& GlobalState() {
  static State& state = *[] {
    auto* made = new State;
    made->output = MakeOutput({});
    return made;
  }();
  return state;
}

void Emit(State& state, Level level, std::string_view message) {
  std::shared_ptr<const Output> output;
  {
    const std::lock_guard lock(state.output_mutex);
    output = state.output;
  }
  EmitTo(*output, level, message);
}

}  // namespace

void Configure(const Options& options) {
  State& state = GlobalState();
  state.level = options.level;
  state.clock = options.clock != nullptr ? options.clock : &SystemClock();
  auto output = MakeOutput(options);
  const std::lock_guard lock(state.output_mutex);
  state.output = std::move(output);
}

Result<Level> ParseLevel(std::string_view text) {
  if (EqualsIgnoreCase(text, "debug")) return Level::kDebug;
  if (EqualsIgnoreCase(text, "info")) return Level::kInfo;
  if (EqualsIgnoreCase(text, "warn") || EqualsIgnoreCase(text, "warning")) return Level::kWarn;
  if (EqualsIgnoreCase(text, "error")) return Level::kError;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("unknown log level \"{}\" (debug, info, warn or error)",
                          Escape(text.substr(0, 40), false)));
}

void Write(Level level, std::string_view message) {
  State& state = GlobalState();
  if (level < state.level.load(std::memory_order_relaxed)) return;
  Emit(state, level, message);
}

void WriteLimited(Level level, std::string_view key, std::string_view message) {
  State& state = GlobalState();
  if (level < state.level.load(std::memory_order_relaxed)) return;
  std::uint64_t suppressed = 0;
  {
    const std::lock_guard lock(state.incidents_mutex);
    const std::uint64_t now_ns = state.clock.load()->monotonic_ns();
    auto found = state.incidents.find(key);
    if (found != state.incidents.end()) {
      Incident& incident = found->second;
      if (now_ns - incident.written_ns < kMinuteNs) {
        ++incident.suppressed;
        return;
      }
      suppressed = incident.suppressed;
      incident = {.written_ns = now_ns};
    } else {
      if (state.incidents.size() >= kMaxIncidents) {
        // First those whose minute is over; all, if a flood of keys filled the table within one.
        std::erase_if(state.incidents, [&](const auto& entry) {
          return now_ns - entry.second.written_ns >= kMinuteNs;
        });
        if (state.incidents.size() >= kMaxIncidents) state.incidents.clear();
      }
      state.incidents.emplace(std::string(key), Incident{.written_ns = now_ns});
    }
  }
  if (suppressed == 0) {
    Emit(state, level, message);
  } else {
    Emit(state, level,
         fmt::format("{} (and {} more like it since the last line)", message, suppressed));
  }
}

}  // namespace wirespan::log
