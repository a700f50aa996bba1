#pragma once

#include "common/config/node.h"
#include "gateway/pipeline/filter_processor.h"

namespace wirespan::gateway {

// The settings of `filter`; problems go to the document.
FilterOptions ReadFilterProcessor(const config::Node& node);

}  // namespace wirespan::gateway
