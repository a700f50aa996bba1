#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/pipeline/auth.h"
#include "gateway/pipeline/metadata.h"
#include "gateway/pipeline/outcome.h"

namespace wirespan::gateway {

// What a receiver with include_metadata keeps of its requests' headers: those that something behind
// it asks for, no other. Bounded: whatever is kept is held with the batch and may go to disk.
class ClientMetadata {
 public:
  // Far more than the names of tenants need; as much as gRPC takes of headers at all.
  static constexpr std::size_t kMaxBytes = 8u << 10;

  ClientMetadata() = default;
  explicit ClientMetadata(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  // Calls `value` for each value of the header of this lower-case name, in their order.
  using EachValue = std::function<void(std::string_view name,
                                       const std::function<void(std::string_view)>& value)>;

  // Not ok: more than kMaxBytes. `metadata` stays null if none of the keys is there.
  Outcome Take(const EachValue& headers, const AuthAttributes& attributes,
               std::shared_ptr<const Metadata>& metadata) const;

 private:
  std::vector<std::string> keys_{};
};

}  // namespace wirespan::gateway
