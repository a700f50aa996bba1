#include "common/config/document.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include "common/base/hash.h"
#include "common/base/strings.h"
#include "common/config/yaml.h"

namespace wirespan::config {
namespace {

constexpr std::size_t kMaxTold = 100;

void Merge(Value& into, Value&& from) {
  if (into.kind != Value::Kind::kMap || from.kind != Value::Kind::kMap) {
    into = std::move(from);
    return;
  }
  for (Value::Entry& entry : from.map) {
    const auto found =
        std::find_if(into.map.begin(), into.map.end(),
                     [&](const Value::Entry& ours) { return ours.key == entry.key; });
    if (found == into.map.end()) {
      into.map.push_back(std::move(entry));
    } else {
      found->mark = std::move(entry.mark);
      Merge(found->value, std::move(entry.value));
    }
  }
}

// Unambiguous: every part carries its length. Maps in key order.
void Canonical(const Value& value, std::string& out) {
  const auto text = [&](std::string_view part) {
    out += std::to_string(part.size()) + ":" + std::string(part);
  };
  out.push_back("nsml"[static_cast<std::size_t>(value.kind)]);
  if (value.kind == Value::Kind::kScalar) text(value.text);
  std::vector<const Value::Entry*> entries;
  for (const Value::Entry& entry : value.map) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return a->key < b->key; });
  for (const Value::Entry* entry : entries) {
    text(entry->key);
    Canonical(entry->value, out);
  }
  for (const Value& item : value.list) Canonical(item, out);
  out.push_back('.');
}

}  // namespace

struct Document::Impl {
  Value root{};
  bool broken = false;
  std::vector<std::string> names{};  // of the sources, in order
  std::vector<Problem> warnings{};
  ReadContext context{};

  void Take(const Source& source) {
    names.push_back(source.name);
    const std::size_t before = context.problems.size();
    Value value = ParseSource(source, context.problems);
    if (value.kind == Value::Kind::kNull && context.problems.size() > before) broken = true;
    if (value.kind == Value::Kind::kNull) return;
    if (value.kind != Value::Kind::kMap) {
      context.problems.push_back({value.mark, "expected a map of keys and values at the top"});
      broken = true;
      return;
    }
    Merge(root, std::move(value));
  }

  void Unreadable(const std::vector<Problem>& unreadable) {
    if (!unreadable.empty()) broken = true;
    context.problems.insert(context.problems.begin(), unreadable.begin(), unreadable.end());
  }

  std::size_t Order(const Problem& problem) const {
    if (problem.mark.file == nullptr) return names.size();
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), *problem.mark.file) -
                                    names.begin());
  }
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Document Document::Parse(const std::vector<Source>& sources, const Environment& environment,
                         const FileReader& read_file) {
  auto impl = std::make_unique<Impl>();
  impl->root.kind = Value::Kind::kMap;
  impl->root.mark.line = 1;
  impl->root.mark.column = 1;
  if (!sources.empty())
    impl->root.mark.file = std::make_shared<const std::string>(sources.back().name);
  for (const Source& source : sources) impl->Take(source);
  Expand(impl->root, environment, read_file, impl->context.problems, impl->warnings);
  return Document(std::move(impl));
}

Document Document::Load(const std::vector<std::string>& files, const Environment& environment) {
  std::vector<Source> sources;
  std::vector<Problem> unreadable;
  for (const std::string& file : files) {
    Source source{.name = file == "-" ? "<stdin>" : file};
    if (auto text = ReadConfigFile(file)) {
      source.text = std::move(*text);
    } else {
      unreadable.push_back(
          {Mark{.file = std::make_shared<const std::string>(source.name)}, text.error().message});
    }
    sources.push_back(std::move(source));
  }
  Document document = Parse(sources, environment);
  document.impl_->Unreadable(unreadable);
  return document;
}

Document Document::LoadUris(const std::vector<std::string>& uris,
                            const std::vector<std::string>& assignments,
                            const Environment& environment) {
  std::vector<Source> sources;
  std::vector<Problem> unreadable;
  const auto take = [&](Result<Source> source, const std::string& name) {
    if (!source) {
      unreadable.push_back(
          {Mark{.file = std::make_shared<const std::string>(name)}, source.error().message});
    }
    sources.push_back(source ? std::move(*source) : Source{.name = name});
  };
  for (const std::string& uri : uris) take(ReadSource(uri, environment), uri);
  for (const std::string& assignment : assignments) take(SetSource(assignment), "command line");
  Document document = Parse(sources, environment, ReadConfigFile);
  document.impl_->Unreadable(unreadable);
  return document;
}

Node Document::root() const { return Node(&impl_->root, impl_->root.mark, "", &impl_->context); }
bool Document::broken() const { return impl_->broken; }
const Value& Document::value() const { return impl_->root; }
const std::vector<Problem>& Document::warnings() const { return impl_->warnings; }

std::uint64_t Document::hash() const { return HashOf(impl_->root); }

std::uint64_t HashOf(const Value& value) {
  std::string text;
  Canonical(value, text);
  return Hash64(text);
}

std::vector<Problem> Document::problems() const {
  std::vector<Problem> sorted = impl_->context.problems;
  std::sort(sorted.begin(), sorted.end(), [&](const Problem& a, const Problem& b) {
    const auto key = [&](const Problem& one) {
      return std::tuple(impl_->Order(one), one.mark.line, one.mark.column,
                        std::string_view(one.sentence));
    };
    return key(a) < key(b);
  });
  // Two readers of the same place find the same fault.
  sorted.erase(std::unique(sorted.begin(), sorted.end(),
                           [](const Problem& a, const Problem& b) { return a.text() == b.text(); }),
               sorted.end());
  return sorted;
}

Result<> Document::Finish() const {
  const std::vector<Problem> all = problems();
  if (all.empty()) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kMaxTold); ++i) {
    if (i > 0) text.push_back('\n');
    text += all[i].text();
  }
  if (all.size() > kMaxTold) text += "\nand " + std::to_string(all.size() - kMaxTold) + " more";
  return Fail(ErrorCode::kInvalidArgument, std::move(text));
}

}  // namespace wirespan::config
