#pragma once

#include <optional>
#include <vector>

#include "gateway/pipeline/attribute_actions.h"
#include "gateway/pipeline/edit_processor.h"
#include "gateway/pipeline/match_properties.h"

namespace wirespan::gateway {

// `attributes`: the attributes of spans, log records and data points (not those of events, links
// and exemplars), of the items that `include` matches and `exclude` does not.
struct AttributesOptions {
  std::vector<AttributeAction> actions{};
  std::optional<MatchProperties> include{};
  std::optional<MatchProperties> exclude{};
};

class AttributesProcessor : public EditProcessor {
 public:
  AttributesProcessor(std::string id, AttributesOptions options, Consumer& next)
      : EditProcessor(std::move(id), "", next), options_(std::move(options)) {}

 protected:
  std::unique_ptr<otlp::MessageEditor> Begin(const Batch& batch) override;

 private:
  const AttributesOptions options_;
};

// `resource`: the attributes of resources, all of them.
struct ResourceOptions {
  std::vector<AttributeAction> actions{};
};

class ResourceProcessor : public EditProcessor {
 public:
  ResourceProcessor(std::string id, ResourceOptions options, Consumer& next)
      : EditProcessor(std::move(id), "", next), options_(std::move(options)) {}

 protected:
  std::unique_ptr<otlp::MessageEditor> Begin(const Batch& batch) override;

 private:
  const ResourceOptions options_;
};

}  // namespace wirespan::gateway
