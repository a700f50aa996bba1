#include "tests/integration/gateway/gateway_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

namespace wirespan::gateway::testing {

namespace fs = std::filesystem;

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "gateway-test-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

namespace {
std::string ContentOf(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}
}  // namespace

std::vector<std::string> LinesOf(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

GatewayProcess::GatewayProcess(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {WIRESPAN_GATEWAY_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string err = (output_ / "stderr").string();
  const std::string out = (output_ / "stdout").string();
  pid_ = ::fork();
  if (pid_ == 0) {
    const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(err_fd, 2);
    ::dup2(out_fd, 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
}

GatewayProcess::~GatewayProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (::testing::Test::HasFailure())
    std::fprintf(stderr, "--- gateway's log\n%s---\n", Log().c_str());
}

std::unique_ptr<GatewayProcess> GatewayProcess::Start(TempFolder& folder, std::string_view config,
                                                      std::vector<std::string> more_arguments) {
  const fs::path file = folder / ("config-" + std::to_string(::random()) + ".yaml");
  std::ofstream(file) << config;
  // A later file's list replaces an earlier one's: what the test names is named again.
  constexpr std::string_view kExtensions = "\n  extensions: [";
  std::string extensions = "health_check";
  if (const auto at = config.find(kExtensions); at != std::string_view::npos) {
    const std::string_view named = config.substr(at + kExtensions.size());
    extensions += ", " + std::string(named.substr(0, named.find(']')));
  }
  const fs::path ports = folder / "ports.yaml";
  std::ofstream(ports) << "extensions:\n  health_check:\n    endpoint: 127.0.0.1:0\n"
                          "service:\n  extensions: [" +
                              extensions +
                              "]\n"
                              "  telemetry:\n    metrics:\n      address: 127.0.0.1:0\n";
  more_arguments.insert(more_arguments.begin(),
                        {"--config", file.string(), "--config", ports.string()});
  auto process = std::make_unique<GatewayProcess>(more_arguments);
  process->config_ = file;
  EXPECT_TRUE(Eventually([&] { return process->Log().find("is ready") != std::string::npos; }))
      << process->Log();
  return process;
}

std::string GatewayProcess::Log() const { return ContentOf(output_ / "stderr"); }
std::string GatewayProcess::Output() const { return ContentOf(output_ / "stdout"); }

std::uint16_t GatewayProcess::PortAfter(std::string_view text) const {
  std::uint16_t port = 0;
  Eventually([&] {
    const std::string log = Log();
    const std::size_t at = log.find(text);
    if (at == std::string::npos) return false;
    port = static_cast<std::uint16_t>(std::atoi(log.c_str() + at + text.size()));
    return port != 0;
  });
  return port;
}

std::size_t GatewayProcess::CountInLog(std::string_view text) const {
  const std::string log = Log();
  std::size_t count = 0;
  for (std::size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) {
    ++count;
  }
  return count;
}

bool GatewayProcess::Reload(std::string_view config) {
  constexpr std::string_view kTaken = "was read again and is in force";
  constexpr std::string_view kRefused = "the new configuration is not taken";
  const std::size_t taken = CountInLog(kTaken);
  const std::size_t refused = CountInLog(kRefused);
  std::ofstream(config_) << config;
  ::kill(pid_, SIGHUP);
  EXPECT_TRUE(
      Eventually([&] { return CountInLog(kTaken) > taken || CountInLog(kRefused) > refused; }));
  return CountInLog(kTaken) > taken;
}

void GatewayProcess::Terminate() { ::kill(pid_, SIGTERM); }

std::optional<int> GatewayProcess::WaitExit() {
  int status = 0;
  if (!Eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return std::nullopt;
  pid_ = -1;
  if (!WIFEXITED(status)) return std::nullopt;
  return WEXITSTATUS(status);
}

}  // namespace wirespan::gateway::testing
