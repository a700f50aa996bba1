#pragma once

#include <memory>

#include "gateway/sink/file_sender.h"

namespace wirespan::gateway {

struct OpenStore;

// What the senders of one exporter's signals have in common; made with the first of them.
struct SharedSink {
  std::shared_ptr<FileWriter> file{};
  std::weak_ptr<const OpenStore> store{};  // its senders keep it: with the last one it closes
};

}  // namespace wirespan::gateway
