// Against real processes of this machine and the real /proc.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/process/coverage.h"
#include "agent/process/process_table.h"

namespace wirespan::process {
namespace {

namespace fs = std::filesystem;

class Child {
 public:
  Child(std::vector<std::string> arguments, std::vector<std::string> environment) {
    std::vector<char*> argv, envp;
    environment.push_back("PATH=" + std::string(::getenv("PATH")));
    for (std::string& argument : arguments) argv.push_back(argument.data());
    for (std::string& variable : environment) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    if (::posix_spawnp(&pid_, argv[0], nullptr, nullptr, argv.data(), envp.data()) != 0) pid_ = -1;
  }
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  bool started() const { return pid_ > 0; }
  std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }

 private:
  pid_t pid_ = -1;
};

class LivingTest : public ::testing::Test {
 protected:
  LivingTest() {
    std::string pattern = (fs::temp_directory_path() / "wirespan-living-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~LivingTest() override { fs::remove_all(folder_); }

  std::string Script(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  // What the table says once `done` holds, at the latest after some seconds. A fresh table each
  // time: the program may not have begun yet.
  template <class Done>
  Process Eventually(std::uint32_t pid, Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
      ProcessTable table("", ReadHost(), {}, {}, registry_);
      Process process = table.Find(pid);
      if (done(process) || std::chrono::steady_clock::now() > deadline) return process;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  Process Named(std::uint32_t pid, const std::string& name) {
    return Eventually(pid, [&](const Process& process) { return process.service.name == name; });
  }

  fs::path folder_;
  telemetry::Registry registry_;
};

bool Installed(const char* program) {
  std::string rest = ::getenv("PATH");
  for (std::size_t end; !rest.empty(); rest.erase(0, end == std::string::npos ? end : end + 1)) {
    end = rest.find(':');
    if (::access((rest.substr(0, end) + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

TEST_F(LivingTest, KnowsItself) {
  ProcessTable table("", ReadHost(),
                     {.filter = {.own_pid = static_cast<std::uint32_t>(::getpid())}}, {},
                     registry_);
  const Process& self = table.Find(static_cast<std::uint32_t>(::getpid()));
  EXPECT_TRUE(self.info.complete);
  EXPECT_EQ(self.info.executable, fs::read_symlink("/proc/self/exe").string());
  EXPECT_EQ(self.info.owner_uid, ::geteuid());
  EXPECT_EQ(self.filter.reason, FilterReason::kOwnAgent);
  EXPECT_EQ(registry_.Value("wirespan_process_read_failures_total", {{"reason", "malformed"}}), 0);
}

TEST_F(LivingTest, NamesPythonScripts) {
  if (!Installed("python3")) GTEST_SKIP() << "no python3";
  const Child child({"python3", "-u", Script("orders.py", "import time\ntime.sleep(60)\n")},
                    {"SECRET=1", "OTEL_RESOURCE_ATTRIBUTES=service.version=7"});
  ASSERT_TRUE(child.started());
  const Process process = Named(child.pid(), "orders");
  EXPECT_EQ(process.service.name, "orders");
  EXPECT_EQ(process.service.source, NameSource::kProgram);
  EXPECT_TRUE(process.traces.spans);
  const AttributeValue* version = FindAttribute(process.resource, "service.version");
  ASSERT_NE(version, nullptr);
  EXPECT_EQ(std::get<std::string>(*version), "7");
  for (const auto& [name, value] : process.info.otel)
    EXPECT_TRUE(name.starts_with("OTEL_")) << name;
}

TEST_F(LivingTest, NamesNodeScriptsAndSeesConfiguredSdks) {
  if (!Installed("node")) GTEST_SKIP() << "no node";
  const Child child({"node", Script("cart.js", "setTimeout(() => {}, 60000)\n")},
                    {"OTEL_TRACES_EXPORTER=otlp"});
  ASSERT_TRUE(child.started());
  const Process process = Named(child.pid(), "cart");
  EXPECT_EQ(process.service.name, "cart");
  EXPECT_EQ(process.traces.reason, TraceReason::kEnvironment);
}

TEST_F(LivingTest, NamesJavaPrograms) {
  if (!Installed("java")) GTEST_SKIP() << "no java";
  const Child child({"java", "-Xint",
                     Script("Stock.java",
                            "class Stock { public static void main(String[] a) throws Exception { "
                            "Thread.sleep(60000); } }\n")},
                    {});
  ASSERT_TRUE(child.started());
  const Process process = Named(child.pid(), "Stock");
  EXPECT_EQ(process.service.name, "Stock");
  EXPECT_EQ(process.info.program.runtime, Runtime::kJava);
}

TEST_F(LivingTest, ReadsTheModulesOfARealGoProgram) {
  if (!Installed("go")) GTEST_SKIP() << "no go";
  // The go command itself is a Go program.
  std::string path = ::getenv("PATH");
  const auto read = [&](const std::string& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    return ReadGoBuildInfo([&](std::uint64_t offset, std::size_t size) {
      std::string bytes(size, '\0');
      const ssize_t got = ::pread(fd.get(), bytes.data(), size, static_cast<off_t>(offset));
      bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      return bytes;
    });
  };
  bool found = false;
  for (std::size_t end; !path.empty() && !found;
       path.erase(0, end == std::string::npos ? end : end + 1)) {
    end = path.find(':');
    const auto info = read(path.substr(0, end) + "/go");
    if (!info) continue;
    found = true;
    EXPECT_TRUE(info->version.starts_with("go1.")) << info->version;
    EXPECT_FALSE(IsInstrumentedGo(*info));
  }
  EXPECT_TRUE(found);
  EXPECT_FALSE(read("/bin/sh"));
}

TEST_F(LivingTest, SeesItsOwnSockets) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd one(pair[0]), two(pair[1]);

  const CoverageReport report = TakeCoverage();
  const auto self = std::find_if(report.processes.begin(), report.processes.end(),
                                 [](const ProcessSockets& process) {
                                   return process.pid == static_cast<std::uint32_t>(::getpid());
                                 });
  ASSERT_NE(self, report.processes.end());
  const ListenAddress wanted{"127.0.0.1", ntohs(address.sin_port)};
  EXPECT_NE(std::find(self->listening.begin(), self->listening.end(), wanted),
            self->listening.end());
  EXPECT_GE(self->tcp_connections, 1u);
  EXPECT_GE(self->unix_connections, 2u);
}

// A table of many pages, whose end is not asked for.
TEST_F(LivingTest, SeesAllOfManySockets) {
  const auto count = [](const CoverageReport& report) {
    for (const ProcessSockets& process : report.processes) {
      if (process.pid == static_cast<std::uint32_t>(::getpid()))
        return process.tcp_connections + process.unix_connections;
    }
    return 0u;
  };
  for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
    const auto before = count(TakeCoverage());
    const UniqueFd listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (family != AF_UNIX) {
      ASSERT_EQ(::listen(listener.get(), 200), 0);
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto* name = reinterpret_cast<sockaddr*>(&address);
    std::vector<UniqueFd> open;
    for (std::uint32_t pairs = 1; pairs <= 150; ++pairs) {
      int ends[2];
      if (family == AF_UNIX) {
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
      } else {
        ASSERT_EQ(::getsockname(listener.get(), name, &size), 0);
        ends[0] = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT_EQ(::connect(ends[0], name, size), 0);
        ends[1] = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
        ASSERT_GE(ends[1], 0);
      }
      open.emplace_back(ends[0]);
      open.emplace_back(ends[1]);
      // Wherever others' lines end, one of these first ones just fills a page.
      if (pairs < (family == AF_UNIX ? 40 : 16) || pairs == 150) {
        ASSERT_EQ(count(TakeCoverage()), before + 2 * pairs) << family;
      }
    }
  }
}

TEST_F(LivingTest, SurvivesProcessesThatVanish) {
  ProcessTable table("", ReadHost(), {}, {}, registry_);
  for (int i = 0; i < 200; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    ASSERT_GT(pid, 0);
    const Process& process = table.Find(static_cast<std::uint32_t>(pid));
    EXPECT_FALSE(process.service.name.empty());
    ::waitpid(pid, nullptr, 0);
  }
  EXPECT_EQ(registry_.Value("wirespan_process_read_failures_total", {{"reason", "malformed"}}), 0);
}

}  // namespace
}  // namespace wirespan::process
