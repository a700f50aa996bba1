#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "agent/process/interpreters.h"

namespace wirespan::process {
namespace {

bool IsIdentifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

bool IsDottedName(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!IsIdentifier(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// "shop.wsgi:app" or "shop.wsgi:create_app()" -> "shop.wsgi".
std::optional<std::string_view> ModuleOfTarget(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !IsDottedName(text.substr(0, colon))) return std::nullopt;
  std::string_view attribute = text.substr(colon + 1);
  attribute = attribute.substr(0, attribute.find('('));
  if (!IsDottedName(attribute)) return std::nullopt;
  return text.substr(0, colon);
}

// The part of the module's name that names the service: "shop.wsgi" says no more than "shop".
std::string NameOfModule(std::string_view module) {
  for (const std::string_view tail : {".wsgi", ".asgi", ".__main__"}) {
    if (module.ends_with(tail) && module.size() > tail.size()) module.remove_suffix(tail.size());
  }
  return SaneName(module);
}

// Servers that take "module:attribute" as a positional argument.
constexpr std::array<std::string_view, 8> kTargetLaunchers = {
    "gunicorn", "uvicorn",        "hypercorn", "daphne",
    "granian",  "waitress-serve", "waitress",  "fastapi"};

// Those that name it by an option.
struct OptionLauncher {
  std::string_view launcher;
  std::array<std::string_view, 3> options;
};
constexpr std::array kOptionLaunchers = {
    OptionLauncher{"celery", {"-A", "--app", ""}},
    OptionLauncher{"flask", {"--app", "-A", ""}},
    OptionLauncher{"rq", {"--name", "", ""}},
    OptionLauncher{"uwsgi", {"--module", "-w", "--wsgi"}},
    OptionLauncher{"sidekiq", {"-g", "--tag", ""}},
    OptionLauncher{"puma", {"--tag", "", ""}},
};

// "gunicorn -k uvicorn.workers.UvicornWorker shop:app": a dotted word after an option is the
// option's.
bool FollowsOption(std::span<const std::string> arguments, std::size_t index, std::size_t from) {
  if (index <= from) return false;
  const std::string& before = arguments[index - 1];
  static constexpr std::array<std::string_view, 8> kFlags = {
      "--reload",  "--preload",       "--daemon",     "-D",
      "--factory", "--proxy-headers", "--access-log", "--check-config"};
  return before.starts_with('-') && before.find('=') == std::string::npos &&
         std::find(kFlags.begin(), kFlags.end(), before) == kFlags.end();
}

std::optional<NamedProgram> ByTarget(const std::vector<std::string>& arguments, std::size_t from) {
  for (std::size_t i = from; i < arguments.size(); ++i) {
    if ((arguments[i] == "-n" || arguments[i] == "--name") && i + 1 < arguments.size())
      return NamedProgram{ProgramKind::kStated, SaneName(arguments[i + 1])};
  }
  for (const bool after_options : {false, true}) {
    for (std::size_t i = from; i < arguments.size(); ++i) {
      if (FollowsOption(arguments, i, from) != after_options) continue;
      if (const auto module = ModuleOfTarget(arguments[i]))
        return NamedProgram{ProgramKind::kModule, NameOfModule(*module)};
    }
  }
  for (std::size_t i = from; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (FollowsOption(arguments, i, from) || word == "run" || word == "dev") continue;
    if (word.ends_with(".py") && !word.starts_with('-'))
      return NamedProgram{ProgramKind::kScript,
                          SaneName(BaseName(word.substr(0, word.size() - 3)))};
    if (IsDottedName(word)) return NamedProgram{ProgramKind::kModule, NameOfModule(word)};
  }
  return std::nullopt;
}

std::optional<NamedProgram> ByOption(const OptionLauncher& launcher,
                                     const std::vector<std::string>& arguments, std::size_t from) {
  for (std::size_t i = from; i < arguments.size(); ++i) {
    for (const std::string_view option : launcher.options) {
      if (option.empty()) continue;
      std::string_view value;
      if (arguments[i] == option && i + 1 < arguments.size()) {
        value = arguments[i + 1];
      } else if (arguments[i].starts_with(option) && arguments[i].size() > option.size() &&
                 (arguments[i][option.size()] == '=')) {
        value = std::string_view(arguments[i]).substr(option.size() + 1);
      } else {
        continue;
      }
      value = value.substr(0, value.find(':'));
      if (value.ends_with(".py")) value = BaseName(value.substr(0, value.size() - 3));
      return NamedProgram{ProgramKind::kModule, NameOfModule(value)};
    }
  }
  return std::nullopt;
}

// Those that run a script given as their first word: "rails server" is not one, "plackup app.psgi"
// is.
std::optional<NamedProgram> ByScript(const std::vector<std::string>& arguments, std::size_t from) {
  for (std::size_t i = from; i < arguments.size(); ++i) {
    const std::string_view word = BaseName(arguments[i]);
    for (const std::string_view ending :
         {".psgi", ".ru", ".py", ".ts", ".mts", ".tsx", ".js", ".mjs"}) {
      if (arguments[i].starts_with('-') || !word.ends_with(ending) || word.size() == ending.size())
        continue;
      if (word == "config.ru") continue;  // every Rack program's
      return NamedProgram{ProgramKind::kScript,
                          SaneName(word.substr(0, word.size() - ending.size()))};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<NamedProgram> ProgramOfLauncher(std::string_view launcher,
                                              const std::vector<std::string>& arguments,
                                              std::size_t from) {
  if (std::find(kTargetLaunchers.begin(), kTargetLaunchers.end(), launcher) !=
      kTargetLaunchers.end())
    return ByTarget(arguments, from);
  for (const OptionLauncher& known : kOptionLaunchers) {
    if (known.launcher == launcher) return ByOption(known, arguments, from);
  }
  for (const std::string_view known :
       {"plackup", "starman", "rackup", "streamlit", "ts-node", "tsx", "nodemon",
        "opentelemetry-instrument", "ddtrace-run"}) {
    if (known == launcher) return ByScript(arguments, from);
  }
  return std::nullopt;
}

std::optional<std::string> AppOfNativeServer(std::string_view name,
                                             const std::vector<std::string>& arguments) {
  if (name.substr(0, 5) != "uwsgi") return std::nullopt;
  auto found = ProgramOfLauncher("uwsgi", arguments, 1);
  if (!found || found->name.empty()) return std::nullopt;
  return std::move(found->name);
}

}  // namespace wirespan::process
