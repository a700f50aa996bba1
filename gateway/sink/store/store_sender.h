#pragma once

#include <memory>

#include "gateway/sink/sender.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::store {

// Hands requests to a store and answers when they are safe. `companion` lives as long as the
// sender: what serves the store's content.
std::unique_ptr<Sender> CreateStoreSender(std::shared_ptr<TraceStore> store,
                                          std::shared_ptr<const void> companion = nullptr);

}  // namespace wirespan::gateway::store
