#pragma once

#include <memory>

#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// Takes everything and keeps nothing: for measuring what comes before it.
std::unique_ptr<Sender> CreateNopSender();

}  // namespace wirespan::gateway
