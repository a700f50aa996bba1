#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wirespan::gateway::testing {

// Polls until the condition holds; false after half a minute.
bool Eventually(const std::function<bool()>& condition);

// A folder that goes away with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::vector<std::string> LinesOf(const std::filesystem::path& file);

// The real program, with its standard error in a file. Killed if the test ends before it.
class GatewayProcess {
 public:
  explicit GatewayProcess(const std::vector<std::string>& arguments);
  ~GatewayProcess();
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  // Started with this configuration and ready. The file's metrics and health listeners are on free
  // ports.
  static std::unique_ptr<GatewayProcess> Start(TempFolder& folder, std::string_view config,
                                               std::vector<std::string> more_arguments = {});

  std::string Log() const;
  std::string Output() const;
  // The number behind `text` in the log, waited for; 0 if it never comes.
  std::uint16_t PortAfter(std::string_view text) const;
  std::uint16_t grpc_port() const { return PortAfter("receiver otlp/grpc: listening on port "); }
  std::uint16_t http_port() const { return PortAfter("receiver otlp/http: listening on port "); }
  std::uint16_t metrics_port() const { return PortAfter("metrics: http://127.0.0.1:"); }
  std::uint16_t health_port() const { return PortAfter("health: http://127.0.0.1:"); }

  void Terminate();  // SIGTERM
  // Writes the configuration anew and sends SIGHUP. Waits until the log says what became of it;
  // true: it is in force.
  bool Reload(std::string_view config);
  std::optional<int>
  WaitExit();  // the exit code; nothing after half a minute or if a signal ended it

 private:
  std::size_t CountInLog(std::string_view text) const;

  TempFolder output_;
  std::filesystem::path config_{};  // of Start
  pid_t pid_ = -1;
};

}  // namespace wirespan::gateway::testing
