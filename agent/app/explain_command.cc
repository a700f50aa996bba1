#include <csignal>
#include <iostream>

#include "agent/app/commands.h"
#include "agent/app/config_load.h"
#include "agent/app/exit_codes.h"
#include "agent/app/explanation.h"
#include "agent/app/local_capture.h"
#include "agent/app/report.h"
#include "common/http/unix_client.h"

namespace wirespan::app {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{10};

Result<Explanation> FromAgent(const std::string& socket) {
  auto answer = http::Ask(
      socket, {.method = "GET", .target = "/explain", .headers = {}, .body = {}}, kAnswerTimeout);
  if (!answer) return tl::unexpected(std::move(answer.error()));
  if (answer->status != 200)
    return Fail(ErrorCode::kUnavailable, "the agent refused: " + answer->body);
  auto explanation = ExplanationFromJson(answer->body);
  if (!explanation) return Fail(ErrorCode::kUnknown, "the agent's answer is no explanation");
  return std::move(*explanation);
}

Result<Explanation> FromOwnProbes(const Config& config, std::chrono::seconds observe) {
  auto signals = SignalWaiter::Create({SIGTERM, SIGINT});
  if (!signals) return tl::unexpected(std::move(signals.error()));
  auto local = LocalCapture::Create(config);
  if (!local) return tl::unexpected(std::move(local.error()));
  const auto end = SystemClock().monotonic_ns() +
                   static_cast<std::uint64_t>(std::chrono::nanoseconds(observe).count());
  if (auto ran = (*local)->Run(*signals, [&] { return SystemClock().monotonic_ns() >= end; });
      !ran) {
    return tl::unexpected(std::move(ran.error()));
  }
  auto explanation = (*local)->pipeline().Explain();
  const auto status = (*local)->Status();
  explanation.backend = status.backend;
  AddKernelNotes(status, explanation);
  return explanation;
}

}  // namespace

int ExplainCommand(const ExplainFlags& flags) {
  auto config = ConfigOf(flags.config);
  if (!config) return ReportError(config.error());
  ApplyLogging(*config);
  const auto socket = flags.control_socket.empty() ? config->control_socket : flags.control_socket;
  auto explanation = FromAgent(socket);
  if (!explanation && NobodyThere(explanation.error()) && flags.control_socket.empty()) {
    std::cerr << "no agent runs here: looking for " << flags.observe.count()
              << " s with probes of my own\n";
    explanation = FromOwnProbes(*config, flags.observe);
  }
  if (!explanation) return ReportError(explanation.error());
  std::cout << (flags.json ? ToJson(*explanation) + "\n" : ToText(*explanation, flags.pid));
  return kExitOk;
}

}  // namespace wirespan::app
