#pragma once

#include "common/config/node.h"
#include "gateway/pipeline/attributes_processor.h"

namespace wirespan::gateway {

// The settings of `attributes` and `resource`; problems go to the document.
AttributesOptions ReadAttributesProcessor(const config::Node& node);
ResourceOptions ReadResourceProcessor(const config::Node& node);

}  // namespace wirespan::gateway
