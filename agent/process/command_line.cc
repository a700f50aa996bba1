#include "agent/process/command_line.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "agent/process/interpreters.h"

namespace wirespan::process {
namespace {

std::string_view StripVersion(std::string_view name) {
  while (!name.empty() && (name.back() == '.' || (name.back() >= '0' && name.back() <= '9')))
    name.remove_suffix(1);
  return name;
}

bool IsDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A process that wrote a title over its arguments: "gunicorn: master [shop]", "puma 6.4
// (tcp://[::]:3000) [shop]", "sidekiq 7.2.0 shop [0 of 5 busy]", "Passenger RubyApp: /var/www/shop
// (production)".
std::string NameOfTitle(std::string_view title) {
  const std::size_t open = title.rfind('[');
  if (open != std::string_view::npos && title.ends_with(']')) {
    const std::string_view inside = title.substr(open + 1, title.size() - open - 2);
    if (!inside.empty() && inside.find(' ') == std::string_view::npos && !IsDigits(inside))
      return SaneName(inside);
  }
  std::vector<std::string_view> words;
  for (std::string_view rest = title; !rest.empty() && words.size() < 4;) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end > 0) words.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (words.empty()) return {};
  if (words[0] == "sidekiq" && words.size() > 2) return SaneName(words[2]);
  if (words[0] == "Passenger" && words.size() > 2) return SaneName(BaseName(words[2]));
  std::string_view first = words[0];
  while (first.ends_with(':')) first.remove_suffix(1);
  return SaneName(BaseName(first));
}

bool IsMultiCall(std::string_view name) { return name == "busybox" || name == "toybox"; }

}  // namespace

Runtime RuntimeOf(std::string_view name) {
  const std::string_view stem = StripVersion(name);
  if (stem == "python" || stem == "pypy" || name.starts_with("python")) return Runtime::kPython;
  if (stem == "node" || stem == "nodejs") return Runtime::kNode;
  if (stem == "java" || stem == "javaw") return Runtime::kJava;
  if (stem == "ruby" || stem == "jruby" || stem == "truffleruby") return Runtime::kRuby;
  if (stem == "perl") return Runtime::kPerl;
  if (stem == "php" || stem == "php-cgi" || stem == "php-fpm" || stem == "frankenphp")
    return Runtime::kPhp;
  if (stem == "dotnet" || stem == "mono") return Runtime::kDotnet;
  if (stem == "deno") return Runtime::kDeno;
  if (stem == "bun") return Runtime::kBun;
  if (stem == "beam.smp" || stem == "erl") return Runtime::kErlang;
  for (const std::string_view shell : {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"}) {
    if (name == shell) return Runtime::kShell;
  }
  return Runtime::kNative;
}

Program DescribeProgram(std::string_view executable, const std::vector<std::string>& arguments) {
  Program program;
  std::string name = ExecutableName(executable);
  const std::string_view called =
      arguments.empty() ? std::string_view() : std::string_view(arguments[0]);
  if (name.empty() || IsMultiCall(name)) {
    std::string_view first = BaseName(called.substr(0, called.find(' ')));
    if (first.starts_with('-')) first.remove_prefix(1);  // a login shell
    if (!first.empty() && !IsMultiCall(first)) {
      name = ExecutableName(first);
    } else if (IsMultiCall(first) && arguments.size() > 1) {
      name = ExecutableName(arguments[1]);
    }
  }
  program.runtime = RuntimeOf(name);
  program.name = name;

  if (program.runtime == Runtime::kNative) {
    // uWSGI and friends are programs of their own that load a module by name.
    if (auto module = AppOfNativeServer(name, arguments)) {
      program.kind = ProgramKind::kModule;
      program.name = std::move(*module);
    }
    return program;
  }
  if (program.runtime == Runtime::kPhp && StripVersion(name) == "php-fpm") {
    program.name = "php-fpm";
    return program;
  }
  const bool titled = arguments.size() == 1 && called.find(' ') != std::string_view::npos;
  if (titled) {
    std::string title = NameOfTitle(called);
    if (!title.empty() && RuntimeOf(title) == Runtime::kNative) {
      program.kind = ProgramKind::kTitle;
      program.name = std::move(title);
    }
    return program;
  }
  if (auto run = ProgramOfInterpreter(program.runtime, arguments); run && !run->name.empty()) {
    program.kind = run->kind;
    program.name = std::move(run->name);
  }
  return program;
}

}  // namespace wirespan::process
