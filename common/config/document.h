#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/expand.h"
#include "common/config/node.h"
#include "common/config/source.h"
#include "common/config/value.h"

// A configuration: one or several YAML files, merged, with variables replaced. It never throws and
// never stops at the first error; everything wrong is collected and told at the end:
//
//   auto document = config::Document::Load({"agent.yaml"});
//   config::Node root = document.root();
//   settings.endpoint = root["export"]["endpoint"].String("localhost:4317");
//   root["export"].RefuseOthers();
//   root.RefuseOthers();
//   if (auto ok = document.Finish(); !ok) ...  // "agent.yaml:3:5: unknown key "endpont" (did you
//   mean "endpoint"?)"
namespace wirespan::config {

class Document {
 public:
  // Later sources win: maps are merged, everything else (lists too) is replaced, as the Collector
  // does.
  // `read_file` is what ${file:PATH} reads with; without it that is a problem.
  static Document Parse(const std::vector<Source>& sources,
                        const Environment& environment = ProcessEnvironment(),
                        const FileReader& read_file = {});
  // "-" is standard input. A file that can't be read is a problem like any other.
  static Document Load(const std::vector<std::string>& files,
                       const Environment& environment = ProcessEnvironment());
  // As the Collector's command line says it: URIs (see ReadSource) and the assignments of --set,
  // which win over all of them. Both ${env:} and ${file:} are replaced.
  static Document LoadUris(const std::vector<std::string>& uris,
                           const std::vector<std::string>& assignments,
                           const Environment& environment = ProcessEnvironment());

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  // The top map, empty if the files are broken. Nodes point into the document and add to its
  // problems.
  Node root() const;
  bool broken() const;  // not worth reading: a file is missing or no YAML

  // All problems found so far, one a line, ordered by source and line, at most 100 of them; ok if
  // there are none.
  Result<> Finish() const;
  std::vector<Problem> problems() const;
  const Value& value() const;  // all of it, merged, with variables replaced
  // Variables that are not set: worth a log line each.
  const std::vector<Problem>& warnings() const;
  // XXH3 over the merged values with variables replaced: equal configurations have equal hashes.
  std::uint64_t hash() const;

 private:
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The same of a part of it.
std::uint64_t HashOf(const Value& value);

}  // namespace wirespan::config
