#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "agent/app/commands.h"
#include "agent/app/config_load.h"
#include "agent/app/control.h"
#include "agent/app/exit_codes.h"
#include "agent/app/local_capture.h"
#include "agent/app/report.h"
#include "agent/app/watch_table.h"
#include "common/http/unix_client.h"

namespace wirespan::app {
namespace {

TableStyle StyleOfOutput() {
  TableStyle style;
  if (isatty(STDOUT_FILENO) == 0) return style;
  style.colour = std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) style.width = size.ws_col;
  return style;
}

// Prints lines as they come; says when enough were printed or the reader of a pipe has left.
class Printer {
 public:
  Printer(bool json, std::uint64_t count) : json_(json), count_(count), style_(StyleOfOutput()) {}
  void Head() {
    if (!json_) std::cout << TableHead(style_) << "\n" << std::flush;
  }
  void Print(const WatchLine& line, std::string_view json) {
    if (done()) return;
    if (json_)
      std::cout << json << "\n";
    else
      std::cout << TableRow(line, style_) << "\n";
    std::cout << std::flush;
    ++printed_;
  }
  bool done() const { return !std::cout || (count_ != 0 && printed_ >= count_); }

 private:
  bool json_;
  std::uint64_t count_;
  std::uint64_t printed_ = 0;
  TableStyle style_;
};

int WatchLocally(const Config& config, WatchMatcher matcher, Printer& printer,
                 const SignalWaiter& signals) {
  auto local = LocalCapture::Create(config);
  if (!local) return ReportError(local.error());
  printer.Head();
  (*local)->hub().Subscribe(std::move(matcher),
                            [&](const WatchLine& line, const std::string& json) {
                              printer.Print(line, json);
                              return !printer.done();
                            });
  auto ran = (*local)->Run(signals, [&] { return printer.done(); });
  return ran ? kExitOk : ReportError(ran.error());
}

}  // namespace

int WatchCommand(const WatchFlags& flags) {
  auto config = ConfigOf(flags.config);
  if (!config) return ReportError(config.error());
  ApplyLogging(*config);
  auto matcher = WatchMatcher::Compile(flags.filter);
  if (!matcher) return ReportError(matcher.error());
  const auto socket = flags.control_socket.empty() ? config->control_socket : flags.control_socket;
  auto signals = SignalWaiter::Create({SIGTERM, SIGINT});
  if (!signals) return ReportError(signals.error());

  Printer printer(flags.json, flags.count);
  // Is somebody there? Only then a head of columns is true.
  if (const auto there = http::Ask(socket, {}, std::chrono::seconds(5)); !there) {
    if (!NobodyThere(there.error()) || !flags.control_socket.empty()) {
      return ReportError(there.error());
    }
    std::cerr << "no agent runs here (" << socket << "): watching with probes of my own\n";
    return WatchLocally(*config, std::move(*matcher), printer, *signals);
  }
  printer.Head();
  const http::UnixRequest request{
      .method = "POST", .target = "/watch", .headers = {}, .body = FilterToJson(flags.filter)};
  auto streamed = http::StreamLines(
      socket, request,
      [&](std::string_view text) {
        if (const auto line = FromJson(text)) printer.Print(*line, text);
        return !printer.done();
      },
      signals->fd());
  return streamed ? kExitOk : ReportError(streamed.error());
}

}  // namespace wirespan::app
