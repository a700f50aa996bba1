#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/http/listen.h"

namespace wirespan::gateway {

// The listening sockets of all receivers, which outlive the receivers: when a configuration is read
// again, the new receiver goes on with the old one's socket, and nobody's connection is refused in
// between. A socket is closed when its last user lets go of it. One thread.
class ListenSockets {
 public:
  // The sockets of one graph.
  class Set {
   public:
    explicit Set(ListenSockets& all) : all_(&all) {}
    // The socket of this endpoint ("host:port", or a path), opened if it is not there already.
    // `user` tells those with port 0 apart. The same address twice in a set is in use.
    Result<std::shared_ptr<const http::Listening>> Get(const std::string& user,
                                                       const std::string& endpoint,
                                                       bool unix_socket);

   private:
    ListenSockets* all_;
    std::map<std::string, std::shared_ptr<const http::Listening>> sockets_{};
  };

 private:
  Result<std::shared_ptr<const http::Listening>> Open(const std::string& key,
                                                      const std::string& endpoint,
                                                      bool unix_socket);
  Result<http::Listening> OpenTcp(const std::string& endpoint);

  std::map<std::string, std::weak_ptr<const http::Listening>> open_{};
};

}  // namespace wirespan::gateway
