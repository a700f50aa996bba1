#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What a process runs, told from its executable and its command line. Pure; arguments are whatever
// the process says.
namespace wirespan::process {

enum class Runtime : std::uint8_t {
  kNative,
  kPython,
  kNode,
  kJava,
  kRuby,
  kPerl,
  kPhp,
  kDotnet,
  kDeno,
  kBun,
  kErlang,
  kShell,
};

enum class ProgramKind : std::uint8_t {
  kExecutable,
  kScript,
  kModule,
  kJar,
  kClass,
  kTitle,
  kStated
};

struct Program {
  Runtime runtime = Runtime::kNative;
  ProgramKind kind = ProgramKind::kExecutable;
  std::string name{};  // sane (see SaneName); empty only if nothing is known at all
};

// `executable`: path of /proc/PID/exe, may be empty or end in " (deleted)". The interpreter's
// program where there is one: "python3 -u /srv/shop.py" is shop, "java -jar shop-1.2.jar" is shop,
// "gunicorn shop.wsgi:app" is shop.wsgi. Code given on the command line (-c, -e) has no name: the
// interpreter's is used.
Program DescribeProgram(std::string_view executable, const std::vector<std::string>& arguments);

Runtime RuntimeOf(std::string_view executable_name);

// Last part of a path, without " (deleted)" and nix' wrapping (".foo-wrapped").
std::string_view BaseName(std::string_view path);
std::string ExecutableName(std::string_view path);

// A name for people and for metric labels: no control characters, no blanks, no broken UTF-8, no
// slashes, at most 128 bytes. Empty if nothing remains.
std::string SaneName(std::string_view text);
// The same for a name somebody chose on purpose: slashes and blanks stay.
std::string SaneText(std::string_view text, std::size_t max_bytes = 255);

}  // namespace wirespan::process
