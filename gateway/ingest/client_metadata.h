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

// What a receiver keeps of its requests beside their bodies, as far as something behind it asks for
// it: headers (with include_metadata) and the sender's address. Bounded: whatever is kept is held
// with the batch and may go to disk.
class ClientMetadata {
 public:
  // Far more than the names of tenants need; as much as gRPC takes of headers at all.
  static constexpr std::size_t kMaxBytes = 8u << 10;

  ClientMetadata() = default;
  // Without `headers` (include_metadata) of the keys kPeerKey alone counts.
  explicit ClientMetadata(std::vector<std::string> keys, bool headers = true);

  // Calls `value` for each value of the header of this lower-case name, in their order.
  using EachValue = std::function<void(std::string_view name,
                                       const std::function<void(std::string_view)>& value)>;

  // Not ok: more than kMaxBytes. `metadata` stays null if none of the keys is there.
  // `peer` is the connection's other end, see PeerAddress.
  Outcome Take(const EachValue& headers, const AuthAttributes& attributes, std::string_view peer,
               std::shared_ptr<const Metadata>& metadata) const;

 private:
  std::vector<std::string> keys_{};
};

// "10.1.0.7" of "10.1.0.7:4711" or "ipv4:10.1.0.7:4711", "fd00::7" of "[fd00::7]:4711" or
// "ipv6:%5Bfd00::7%5D:4711" (gRPC's words); empty: no address, such as a Unix socket.
std::string PeerAddress(std::string_view peer);

}  // namespace wirespan::gateway
