#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/sink/exporter_options.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// Shows what passes: basic says how many, normal one line an item, detailed everything. After
// sampling_initial requests in a second every sampling_thereafter-th is shown. `print` takes whole
// lines; the default writes to standard error.
std::unique_ptr<Sender> CreateDebugSender(DebugOptions options,
                                          std::function<void(std::string_view)> print = {});

// The text of one request, without sampling.
std::string DebugText(Signal signal, std::string_view request, std::uint64_t items,
                      Verbosity verbosity);

}  // namespace wirespan::gateway
