#include "common/kube/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

namespace wirespan::kube {

std::optional<Address> ParseAddress(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  text = text.substr(0, text.find('%'));  // a zone is the sender's own business
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string terminated(text);
  in6_addr six{};
  if (in_addr four{}; inet_pton(AF_INET, terminated.c_str(), &four) == 1) {
    six.s6_addr[10] = six.s6_addr[11] = 0xff;
    std::memcpy(&six.s6_addr[12], &four, sizeof(four));
  } else if (inet_pton(AF_INET6, terminated.c_str(), &six) != 1) {
    return std::nullopt;
  }
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&six);
  if (IN6_IS_ADDR_UNSPECIFIED(&six) || IN6_IS_ADDR_LOOPBACK(&six)) return std::nullopt;
  if (mapped && (six.s6_addr[12] == 0 || six.s6_addr[12] == 127)) return std::nullopt;
  Address address;
  std::memcpy(&address.first, &six.s6_addr[0], 8);
  std::memcpy(&address.second, &six.s6_addr[8], 8);
  return address;
}

}  // namespace wirespan::kube
