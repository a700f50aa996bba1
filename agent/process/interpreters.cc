#include "agent/process/interpreters.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <span>

namespace wirespan::process {
namespace {

using Arguments = std::vector<std::string>;
using Words = std::initializer_list<std::string_view>;

bool IsOneOf(std::string_view word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view StripEnding(std::string_view name, Words endings) {
  for (const std::string_view ending : endings) {
    if (name.size() > ending.size() && name.ends_with(ending))
      return name.substr(0, name.size() - ending.size());
  }
  return name;
}

// Index of the first word that is no option; nullopt: none, or code is given inline. `with_value`:
// options whose value is the next word.
std::optional<std::size_t> FirstWord(const Arguments& arguments, std::size_t from, Words with_value,
                                     Words inline_code) {
  for (std::size_t i = from; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word == "--") return i + 1 < arguments.size() ? std::optional(i + 1) : std::nullopt;
    if (word == "-" || IsOneOf(word, inline_code)) return std::nullopt;
    if (IsOneOf(word, with_value)) {
      ++i;
    } else if (!word.starts_with('-')) {
      return i;
    }
  }
  return std::nullopt;
}

std::optional<NamedProgram> Script(const Arguments& arguments, std::optional<std::size_t> index,
                                   Words endings) {
  if (!index || *index >= arguments.size()) return std::nullopt;
  // "bash /dev/fd/3", "python3 /dev/stdin": a descriptor's number names nothing.
  if (arguments[*index].starts_with("/dev/") || arguments[*index].starts_with("/proc/"))
    return std::nullopt;
  const std::string_view base = StripEnding(BaseName(arguments[*index]), endings);
  if (auto app = ProgramOfLauncher(base, arguments, *index + 1)) return app;
  return NamedProgram{ProgramKind::kScript, SaneName(base)};
}

std::optional<NamedProgram> Python(const Arguments& arguments) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word == "-" || word.empty()) return std::nullopt;
    if (!word.starts_with('-')) return Script(arguments, i, {".py", ".pyc", ".pyz"});
    if (word.starts_with("--")) {
      if (word == "--check-hash-based-pycs") ++i;
      continue;
    }
    // Flags may be joined: "-um http.server". -c and -m take the rest of the word, or the next one.
    const std::size_t last = word.find_first_of("cmWXQ", 1);
    if (last == std::string_view::npos) continue;
    if (word[last] == 'c') return std::nullopt;
    const bool joined = last + 1 < word.size();
    if (word[last] != 'm') {
      if (!joined) ++i;
      continue;
    }
    if (!joined && ++i >= arguments.size()) return std::nullopt;
    const std::string_view module = joined ? word.substr(last + 1) : std::string_view(arguments[i]);
    if (auto app = ProgramOfLauncher(module, arguments, i + 1)) return app;
    return NamedProgram{ProgramKind::kModule, SaneName(StripEnding(module, {".__main__"}))};
  }
  return std::nullopt;
}

// ".../node_modules/next/dist/bin/next" runs the package "next", "@scope/tool" its last part.
std::optional<std::string_view> PackageOfPath(std::string_view path) {
  constexpr std::string_view kModules = "node_modules/";
  const std::size_t at = path.rfind(kModules);
  if (at == std::string_view::npos) return std::nullopt;
  path.remove_prefix(at + kModules.size());
  if (path.starts_with(".bin/")) return BaseName(path);
  if (path.starts_with('@')) path.remove_prefix(std::min(path.find('/') + 1, path.size()));
  return path.substr(0, path.find('/'));
}

std::optional<NamedProgram> Node(const Arguments& arguments) {
  const auto index =
      FirstWord(arguments, 1,
                {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C",
                 "--conditions", "--inspect-port", "--icu-data-dir", "--openssl-config",
                 "--env-file", "--title", "--max-old-space-size"},
                {"-e", "--eval", "-p", "--print", "-pe", "-i"});
  if (!index) return std::nullopt;
  if (const auto package = PackageOfPath(arguments[*index])) {
    if (auto app = ProgramOfLauncher(*package, arguments, *index + 1)) return app;
    return NamedProgram{ProgramKind::kScript, SaneName(*package)};
  }
  return Script(arguments, index, {".js", ".mjs", ".cjs", ".ts", ".mts"});
}

// "shop-1.4.2-SNAPSHOT-all" -> "shop": a service keeps its name when its version changes.
std::string_view StripJarVersion(std::string_view name) {
  for (std::size_t dash = name.find('-', 1); dash != std::string_view::npos;
       dash = name.find('-', dash + 1)) {
    const std::string_view tail = name.substr(dash + 1);
    const std::size_t digits = tail.find_first_not_of("0123456789");
    const bool version =
        digits != 0 && !tail.empty() &&
        (digits == std::string_view::npos || tail[digits] == '.' || tail[digits] == '-');
    if (version) return name.substr(0, dash);
  }
  return name;
}

std::string NameOfClass(std::string_view name) {
  if (const std::size_t slash = name.find('/'); slash != std::string_view::npos)
    name.remove_prefix(slash + 1);  // module/class
  static constexpr std::array<std::array<std::string_view, 2>, 8> kKnown = {{
      {"org.apache.catalina.startup.Bootstrap", "tomcat"},
      {"kafka.Kafka", "kafka"},
      {"org.apache.zookeeper.server.quorum.QuorumPeerMain", "zookeeper"},
      {"org.elasticsearch.bootstrap.Elasticsearch", "elasticsearch"},
      {"org.elasticsearch.server.cli.ServerCli", "elasticsearch"},
      {"org.opensearch.bootstrap.OpenSearch", "opensearch"},
      {"org.apache.cassandra.service.CassandraDaemon", "cassandra"},
      {"org.eclipse.jetty.start.Main", "jetty"},
  }};
  for (const auto& [known, service] : kKnown) {
    if (name == known) return std::string(service);
  }
  if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos)
    name.remove_prefix(dot + 1);
  return SaneName(name);
}

std::optional<NamedProgram> Java(const Arguments& arguments) {
  // Said on purpose in so many words.
  for (const std::string& word : arguments) {
    for (const std::string_view option :
         {"-Dspring.application.name=", "--spring.application.name="}) {
      if (word.starts_with(option) && word.size() > option.size())
        return NamedProgram{ProgramKind::kStated, SaneName(word.substr(option.size()))};
    }
  }
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    const bool has_next = i + 1 < arguments.size();
    if (word == "-jar" && has_next) {
      return NamedProgram{
          ProgramKind::kJar,
          SaneName(StripJarVersion(StripEnding(BaseName(arguments[i + 1]), {".jar", ".war"})))};
    }
    if (word.starts_with("--module="))
      return NamedProgram{ProgramKind::kClass, NameOfClass(word.substr(9))};
    if ((word == "-m" || word == "--module") && has_next)
      return NamedProgram{ProgramKind::kClass, NameOfClass(arguments[i + 1])};
    if (IsOneOf(word, {"-cp", "-classpath", "--class-path", "-p", "--module-path",
                       "--upgrade-module-path", "--add-modules", "--add-opens", "--add-exports",
                       "--add-reads", "--limit-modules", "--patch-module", "--enable-native-access",
                       "--source"})) {
      ++i;
    } else if (word.ends_with(".java") && !word.starts_with('-')) {
      return NamedProgram{ProgramKind::kScript, SaneName(StripEnding(BaseName(word), {".java"}))};
    } else if (!word.starts_with('-') && !word.starts_with('@') && !word.empty()) {
      return NamedProgram{ProgramKind::kClass, NameOfClass(word)};
    }
  }
  return std::nullopt;
}

std::optional<NamedProgram> Ruby(const Arguments& arguments) {
  auto index = FirstWord(arguments, 1, {"-I", "-r", "-C", "-E", "--encoding"}, {"-e"});
  // "bundle exec puma" runs puma.
  if (index && BaseName(arguments[*index]) == "bundle" && *index + 2 < arguments.size() &&
      arguments[*index + 1] == "exec")
    *index += 2;
  return Script(arguments, index, {".rb", ".ru"});
}

std::optional<NamedProgram> Php(const Arguments& arguments) {
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == "-f" || arguments[i] == "--file")
      return NamedProgram{ProgramKind::kScript,
                          SaneName(StripEnding(BaseName(arguments[i + 1]), {".php", ".phar"}))};
  }
  return Script(
      arguments,
      FirstWord(arguments, 1, {"-S", "-t", "-d", "-c", "-z", "--server", "--docroot", "--define"},
                {"-r", "--run", "-B", "-R", "-F", "-a"}),
      {".php", ".phar"});
}

std::optional<NamedProgram> Dotnet(const Arguments& arguments) {
  auto index = FirstWord(arguments, 1,
                         {"--additionalprobingpath", "--depsfile", "--runtimeconfig",
                          "--fx-version", "--roll-forward", "--additional-deps"},
                         {});
  if (index && arguments[*index] == "exec")
    index =
        FirstWord(arguments, *index + 1,
                  {"--additionalprobingpath", "--depsfile", "--runtimeconfig", "--fx-version"}, {});
  if (!index) return std::nullopt;
  const std::string_view word = arguments[*index];
  if (!word.ends_with(".dll") && !word.ends_with(".exe")) return std::nullopt;  // "dotnet build"
  return NamedProgram{ProgramKind::kScript,
                      SaneName(StripEnding(BaseName(word), {".dll", ".exe"}))};
}

// deno and bun: an optional sub-command, options that carry their value by "=", then the script.
std::optional<NamedProgram> RunScript(const Arguments& arguments) {
  auto index = FirstWord(arguments, 1, {"-c", "--config", "--cwd", "--filter"},
                         {"-e", "--eval", "-p", "--print"});
  if (index && IsOneOf(arguments[*index], {"eval", "repl"})) return std::nullopt;
  if (index && IsOneOf(arguments[*index], {"run", "serve", "task", "start", "x"}))
    index = FirstWord(
        arguments, *index + 1,
        {"-c", "--config", "--import-map", "--port", "--host", "--preload", "-r", "--cwd"}, {});
  return Script(arguments, index, {".ts", ".tsx", ".mts", ".js", ".mjs", ".jsx", ".cjs"});
}

std::optional<NamedProgram> Erlang(const Arguments& arguments) {
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == "-sname" || arguments[i] == "-name") {
      const std::string_view node = arguments[i + 1];
      return NamedProgram{ProgramKind::kStated, SaneName(node.substr(0, node.find('@')))};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<NamedProgram> ProgramOfInterpreter(Runtime runtime, const Arguments& arguments) {
  switch (runtime) {
    case Runtime::kNative:
      return std::nullopt;
    case Runtime::kPython:
      return Python(arguments);
    case Runtime::kNode:
      return Node(arguments);
    case Runtime::kJava:
      return Java(arguments);
    case Runtime::kRuby:
      return Ruby(arguments);
    case Runtime::kPerl:
      return Script(arguments, FirstWord(arguments, 1, {"-I"}, {"-e", "-E", "-ne", "-pe"}),
                    {".pl", ".psgi"});
    case Runtime::kPhp:
      return Php(arguments);
    case Runtime::kDotnet:
      return Dotnet(arguments);
    case Runtime::kDeno:
    case Runtime::kBun:
      return RunScript(arguments);
    case Runtime::kErlang:
      return Erlang(arguments);
    case Runtime::kShell:
      return Script(arguments,
                    FirstWord(arguments, 1, {"-o", "+o", "-O", "--rcfile", "--init-file"},
                              {"-c", "-s", "-ec", "-lc", "-xc"}),
                    {".sh", ".bash", ".zsh"});
  }
  return std::nullopt;
}

}  // namespace wirespan::process
