#include "gateway/ingest/endpoint.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "common/base/unique_fd.h"

namespace wirespan::gateway {

Result<HostPort> ParseHostPort(std::string_view endpoint) {
  const auto fail = [&] {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("endpoint \"{}\" is not host:port", endpoint));
  };
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) return fail();
  std::string_view host = endpoint.substr(0, colon);
  const std::string_view port = endpoint.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos || host.find('/') != std::string_view::npos) {
    return fail();
  }
  HostPort address{.host = std::string(host)};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return fail();
  return address;
}

Result<> ProbeListen(const HostPort& address) {
  const std::string what = fmt::format("listen on {}:{}", address.host, address.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const int status = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                   port.c_str(), &hints, &found);
  if (status != 0) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", what, ::gai_strerror(status)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  int first_error = 0;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    const UniqueFd fd(::socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, 0));
    if (!fd.valid()) {
      if (first_error == 0) first_error = errno;
      continue;
    }
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (info->ai_family == AF_INET6) {
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (::bind(fd.get(), info->ai_addr, info->ai_addrlen) == 0 && ::listen(fd.get(), 1) == 0) {
      return {};
    }
    if (errno == EADDRINUSE) return FailErrno(what, errno);
    if (first_error == 0) first_error = errno;
  }
  return FailErrno(what, first_error);
}

}  // namespace wirespan::gateway
