#pragma once

#include "common/config/node.h"
#include "gateway/pipeline/k8s_attributes_processor.h"

namespace wirespan::gateway {

// The settings of `k8sattributes`; problems go to the document.
K8sAttributesOptions ReadK8sAttributes(const config::Node& node);

}  // namespace wirespan::gateway
