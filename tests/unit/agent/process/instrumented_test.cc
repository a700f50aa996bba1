#include "agent/process/instrumented.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>

#include "agent/process/process_reader.h"
#include "fake_proc.h"

namespace wirespan::process {
namespace {

using enum TraceReason;

TEST(InstrumentedTest, DecidesByVariablesThatConfigureAnExporter) {
  const std::vector<std::pair<Variables, TraceReason>> rows = {
      {{}, kNotInstrumented},
      {{{"OTEL_SERVICE_NAME", "shop"}}, kNotInstrumented},
      {{{"OTEL_RESOURCE_ATTRIBUTES", "a=b"}}, kNotInstrumented},
      {{{"OTEL_METRICS_EXPORTER", "otlp"}}, kNotInstrumented},
      {{{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://x"}}, kNotInstrumented},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}}, kNotInstrumented},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://x"}}, kEnvironment},
      {{{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://x"}}, kEnvironment},
      {{{"OTEL_TRACES_EXPORTER", "otlp"}}, kEnvironment},
      {{{"OTEL_TRACES_EXPORTER", "none"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://x"}},
       kSdkDisabled},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://x"}, {"OTEL_SDK_DISABLED", "TRUE"}}, kSdkDisabled},
  };
  for (const auto& [variables, reason] : rows) {
    const TraceDecision decision = DecideByEnvironment(variables);
    EXPECT_EQ(decision.reason, reason) << DescribeTraceDecision(decision);
    EXPECT_EQ(decision.spans, reason != kEnvironment);
    EXPECT_EQ(DescribeTraceDecision(decision).find("http://"), std::string::npos);
  }
}

TEST(InstrumentedTest, DecidesByTheCommandLine) {
  const std::vector<std::pair<std::vector<std::string>, TraceReason>> rows = {
      {{"java", "-jar", "x.jar"}, kNotInstrumented},
      {{"java", "-javaagent:/opt/jacoco.jar", "-jar", "opentelemetry-demo.jar"}, kNotInstrumented},
      {{"java", "-javaagent:/opt/opentelemetry-javaagent.jar", "-jar", "x.jar"}, kCommandLine},
      {{"java", "-javaagent:/opt/opentelemetry-javaagent-1.2.jar=x=y", "-jar", "x.jar"},
       kCommandLine},
      {{"java", "-javaagent:opentelemetry-javaagent.jar", "-Dotel.javaagent.enabled=false", "X"},
       kSdkDisabled},
      {{"/usr/bin/python3", "/usr/bin/opentelemetry-instrument", "python", "x.py"}, kCommandLine},
      {{"python3", "x.py", "a", "opentelemetry-instrument"}, kNotInstrumented},
      {{"node", "--require", "@opentelemetry/auto-instrumentations-node/register", "app.js"},
       kCommandLine},
      {{"node", "--import=@opentelemetry/auto-instrumentations-node", "app.js"}, kCommandLine},
      {{"node", "-r", "dotenv/config", "opentelemetry.js"}, kNotInstrumented},
      {{}, kNotInstrumented},
  };
  for (const auto& [arguments, reason] : rows) {
    const TraceDecision decision = DecideByCommandLine(arguments);
    EXPECT_EQ(decision.reason, reason) << ::testing::PrintToString(arguments);
    EXPECT_EQ(decision.spans, reason != kCommandLine);
  }
}

TEST(InstrumentedTest, KnowsSdkFiles) {
  EXPECT_TRUE(IsOpenTelemetrySdkFile("/opt/opentelemetry-javaagent.jar"));
  EXPECT_TRUE(IsOpenTelemetrySdkFile("/usr/lib/libopentelemetry_trace.so"));
  EXPECT_TRUE(IsOpenTelemetrySdkFile("/app/OpenTelemetry.dll"));
  EXPECT_TRUE(IsOpenTelemetrySdkFile("/x/OpenTelemetry.AutoInstrumentation.Native.so"));
  EXPECT_FALSE(IsOpenTelemetrySdkFile("/app/OpenTelemetry.Api.dll"));
  EXPECT_FALSE(IsOpenTelemetrySdkFile("/x/opentelemetry-api-1.2.jar"));
  EXPECT_FALSE(IsOpenTelemetrySdkFile("/home/me/opentelemetry/libfoo.so"));
  EXPECT_FALSE(IsOpenTelemetrySdkFile("socket:[1]"));
}

std::string GoSection(const std::string& version, const std::string& modules) {
  std::string out = "\xff Go buildinf:";
  out.push_back(8);
  out.push_back(2);
  out.resize(32);
  const auto add = [&](const std::string& text) {
    std::size_t size = text.size();
    for (; size >= 0x80; size >>= 7) out.push_back(static_cast<char>(size | 0x80));
    out.push_back(static_cast<char>(size));
    out += text;
  };
  add(version);
  add(std::string(16, 'M') + modules + std::string(16, 'M'));
  return out;
}

std::string ElfWith(const std::string& section_name, const std::string& section) {
  std::string names;
  names.push_back('\0');
  names += ".shstrtab";
  names.push_back('\0');
  const std::size_t name_at = names.size();
  names += section_name;
  names.push_back('\0');
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 1;
  header.e_shoff = sizeof header + names.size() + section.size();
  Elf64_Shdr sections[3]{};
  sections[1] = {.sh_name = 1,
                 .sh_type = SHT_STRTAB,
                 .sh_flags = 0,
                 .sh_addr = 0,
                 .sh_offset = sizeof header,
                 .sh_size = names.size(),
                 .sh_link = 0,
                 .sh_info = 0,
                 .sh_addralign = 1,
                 .sh_entsize = 0};
  sections[2] = sections[1];
  sections[2].sh_name = static_cast<Elf64_Word>(name_at);
  sections[2].sh_type = SHT_PROGBITS;
  sections[2].sh_offset = sizeof header + names.size();
  sections[2].sh_size = section.size();
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out += names + section;
  out.append(reinterpret_cast<const char*>(sections), sizeof sections);
  return out;
}

std::optional<GoBuildInfo> ReadFrom(std::string_view file) {
  return ReadGoBuildInfo([&](std::uint64_t offset, std::size_t size) {
    return offset >= file.size() ? std::string() : std::string(file.substr(offset, size));
  });
}

const std::string kModuleLines =
    "path\tshop\nmod\tshop\t(devel)\t\ndep\tgo.opentelemetry.io/otel/sdk\tv1.2\th1:x\n"
    "dep\tgo.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc\tv1.2\th1:x\n";

TEST(InstrumentedTest, ReadsGoModulesOutOfAProgram) {
  const std::string file = ElfWith(".go.buildinfo", GoSection("go1.22.1", kModuleLines));
  const auto info = ReadFrom(file);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->version, "go1.22.1");
  EXPECT_EQ(info->modules, kModuleLines);
  EXPECT_TRUE(IsInstrumentedGo(*info));
  EXPECT_FALSE(IsInstrumentedGo({.modules = "dep\tgo.opentelemetry.io/otel/sdk\tv1\n"}));
  EXPECT_FALSE(IsInstrumentedGo({.modules = "dep\tgo.opentelemetry.io/otel\tv1\n"}));
  EXPECT_FALSE(ReadFrom(ElfWith(".other", "x")));
  for (std::size_t cut = 0; cut < file.size(); ++cut)
    EXPECT_FALSE(ReadFrom(std::string_view(file).substr(0, cut)));
}

TEST(InstrumentedTest, SurvivesEveryFlippedByteOfAProgram) {
  const std::string file = ElfWith(".go.buildinfo", GoSection("go1.22.1", kModuleLines));
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const char with : {'\xff', '\x00', '\x7f'}) {
      std::string damaged = file;
      damaged[at] = with;
      (void)ReadFrom(damaged);
    }
  }
}

TEST(InstrumentedTest, LooksAtALivingProcess) {
  testing::FakeRoot root;
  telemetry::Registry registry;
  ProcessReader reader(root.path(), registry);
  const auto decide = [&](const testing::FakeProcess& process, const TraceConfig& config = {}) {
    root.Put(process);
    auto read = reader.Read(process.pid, config);
    EXPECT_TRUE(read);
    return read->traces;
  };
  testing::FakeProcess process;
  EXPECT_EQ(decide(process).reason, kNotInstrumented);
  process.maps =
      "7f00-7f01 r-xp 00000000 08:01 1   /lib/libc.so.6\n7f01-7f02 r-xp 00000000 08:01 2   "
      "/x/libopentelemetry_trace.so\n";
  EXPECT_EQ(decide(process).reason, kLibrary);
  EXPECT_EQ(decide(process).evidence, "libopentelemetry_trace.so");
  process.maps.clear();
  process.descriptors = {"socket:[1]", "/opt/opentelemetry-javaagent.jar"};
  EXPECT_EQ(decide(process).reason, kLibrary);
  process.descriptors.clear();

  root.Write("/bin/go-shop", ElfWith(".go.buildinfo", GoSection("go1.22.1", kModuleLines)));
  process.executable = root.path() + "/bin/go-shop";
  EXPECT_EQ(decide(process).reason, kGoModules);
  EXPECT_FALSE(decide(process).spans);

  TraceConfig always{.rules = {{.match = {.executable = "go-shop"}, .mode = TraceMode::kAlways}}};
  EXPECT_EQ(decide(process, always).reason, kConfigAlways);
  EXPECT_EQ(decide(process, {.mode = TraceMode::kNever}).reason, kConfigNever);
}

}  // namespace
}  // namespace wirespan::process
