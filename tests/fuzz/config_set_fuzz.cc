// Assignments as --set brings them, one a line, over a small file: they end with problems or
// values, and the same ones give the same result again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/config/document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirespan::config;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find("file:") != std::string::npos) return 0;  // what the machine holds is no input
  std::vector<std::string> assignments;
  for (std::size_t at = 0; at <= text.size() && assignments.size() < 64;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    assignments.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "V") return "${env:V}";
    return std::nullopt;
  };
  std::string first;
  for (int round = 0; round < 2; ++round) {
    const Document document = Document::LoadUris(
        {"yaml:processors: {batch: {timeout: 1s}, list: [a, {b: c}]}"}, assignments, environment);
    document.root()["processors"]["batch"]["timeout"].Duration({});
    const auto finished = document.Finish();
    const std::string result =
        finished ? std::to_string(document.hash()) : finished.error().message;
    if (round == 1 && result != first) std::abort();
    first = result;
  }
  return 0;
}
