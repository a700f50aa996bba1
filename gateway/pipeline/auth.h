#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "gateway/pipeline/metadata.h"
#include "gateway/pipeline/outcome.h"

// What receivers and exporters know of the extensions that check or add credentials.
// Implementations live in gateway/extension; all are thread-safe and none waits for the network.
namespace wirespan::gateway {

// Names in lower case, as HTTP/2 demands.
using HeaderList = std::vector<std::pair<std::string, std::string>>;

// A header (gRPC: metadata) of a request by its lower-case name; nullopt if it has none.
using FindHeader = std::function<std::optional<std::string_view>(std::string_view name)>;

// What an authenticator found out about a sender: "username". Never a secret.
using AuthAttributes = std::vector<std::pair<std::string, std::string>>;

// Who may send to a receiver (its `auth::authenticator`).
class ServerAuthenticator {
 public:
  virtual ~ServerAuthenticator() = default;
  // Ok, or a refusal for good with kUnauthenticated. Called before anything of the request's body
  // is looked at. The message is for the sender and never repeats what it sent.
  // `found`, if not null, gets the attributes of who was let in.
  virtual Outcome Authenticate(const FindHeader& find, AuthAttributes* found = nullptr) const = 0;
  // The value of WWW-Authenticate in HTTP's 401.
  virtual std::string_view challenge() const = 0;
};

// What an exporter (its `auth::authenticator`) adds to each attempt, not to each batch: a token may
// have been renewed between two.
class ClientAuthenticator {
 public:
  virtual ~ClientAuthenticator() = default;
  // Adds, replaces or deletes headers. `metadata` is what the batch came with (a receiver's
  // include_metadata); null: nothing. kInvalidArgument: these metadata will never do. Any other
  // error is answered as retryable: a token file may come later.
  virtual Result<> Apply(const Metadata* metadata, HeaderList& headers) const = 0;
};

}  // namespace wirespan::gateway
