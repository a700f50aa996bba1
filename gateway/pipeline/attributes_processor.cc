#include "gateway/pipeline/attributes_processor.h"

#include <memory>
#include <utility>

namespace wirespan::gateway {

namespace {

using otlp::Verdict;

// Keeps its memory from message to message.
AttributeList& Scratch() {
  thread_local AttributeList list;
  return list;
}

Verdict Edit(const std::vector<AttributeAction>& actions, const Metadata* metadata,
             std::string_view message, std::uint32_t field, otlp::Writer& out) {
  AttributeList& attributes = Scratch();
  if (!attributes.Read(message, field)) return Verdict::kKeep;  // the walk finds it malformed too
  ApplyActions(actions, metadata, attributes);
  if (!attributes.changed()) return Verdict::kKeep;
  attributes.Write(out);
  return Verdict::kReplace;
}

class ItemsEditor : public otlp::MessageEditor {
 public:
  ItemsEditor(const AttributesOptions& options, Signal signal,
              std::shared_ptr<const Metadata> metadata)
      : options_(options), signal_(signal), metadata_(std::move(metadata)) {}

  Verdict OnResource(std::string_view resource, otlp::Writer&) override {
    included_ = !options_.include || MatchesResource(*options_.include, resource);
    excluded_ = options_.exclude && MatchesResource(*options_.exclude, resource);
    return Verdict::kKeep;
  }

  Verdict OnItem(const otlp::Place& place, std::string_view item, otlp::Writer& out) override {
    const std::uint32_t field = AttributesField(signal_, place.point_field);
    if (!included_) return Verdict::kKeep;
    if (options_.include && !MatchesItem(*options_.include, signal_, place, item, field)) {
      return Verdict::kKeep;
    }
    if (excluded_ && MatchesItem(*options_.exclude, signal_, place, item, field)) {
      return Verdict::kKeep;
    }
    return Edit(options_.actions, metadata_.get(), item, field, out);
  }

 private:
  const AttributesOptions& options_;
  const Signal signal_;
  const std::shared_ptr<const Metadata> metadata_;
  bool included_ = true;   // by its resource
  bool excluded_ = false;  // likewise
};

class ResourcesEditor : public otlp::MessageEditor {
 public:
  ResourcesEditor(const ResourceOptions& options, std::shared_ptr<const Metadata> metadata)
      : options_(options), metadata_(std::move(metadata)) {}

  Verdict OnResource(std::string_view resource, otlp::Writer& out) override {
    return Edit(options_.actions, metadata_.get(), resource, 1, out);
  }
  bool wants_items() const override { return false; }

 private:
  const ResourceOptions& options_;
  const std::shared_ptr<const Metadata> metadata_;
};

}  // namespace

std::unique_ptr<otlp::MessageEditor> AttributesProcessor::Begin(const Batch& batch) {
  return std::make_unique<ItemsEditor>(options_, batch.signal, batch.metadata);
}

std::unique_ptr<otlp::MessageEditor> ResourceProcessor::Begin(const Batch& batch) {
  return std::make_unique<ResourcesEditor>(options_, batch.metadata);
}

}  // namespace wirespan::gateway
