#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/process/command_line.h"

// Command-line syntax of interpreters and of the servers that run others' code. Details of
// command_line.h.
namespace wirespan::process {

struct NamedProgram {
  ProgramKind kind = ProgramKind::kScript;
  std::string name{};
};

// What the interpreter runs; nullopt: code given inline, standard input, or nothing that has a
// name.
std::optional<NamedProgram> ProgramOfInterpreter(Runtime runtime,
                                                 const std::vector<std::string>& arguments);

// "uwsgi --module shop.wsgi:app" -> shop.wsgi.
std::optional<std::string> AppOfNativeServer(std::string_view executable_name,
                                             const std::vector<std::string>& arguments);

// `launcher` ("gunicorn", "uvicorn", "celery", "puma", ...) with its arguments from `from` on;
// nullopt: unknown launcher, or its arguments name no program.
std::optional<NamedProgram> ProgramOfLauncher(std::string_view launcher,
                                              const std::vector<std::string>& arguments,
                                              std::size_t from);

}  // namespace wirespan::process
