#include "common/http/listen.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace wirespan::http {
namespace {

constexpr int kBacklog = 1024;

bool SomebodyListens(const sockaddr_un& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return true;
  const int rc =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return rc == 0 || errno != ECONNREFUSED;
}

}  // namespace

Result<Listening> ListenTcp(const std::string& given_host, std::uint16_t port, bool share) {
  std::string host = given_host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const bool v6 = host.find(':') != std::string::npos;
  const std::string what =
      "listen on " + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);

  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int rc = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(),
                               &hints, &found);
  if (rc != 0) return Fail(ErrorCode::kInvalidArgument, what + ": " + ::gai_strerror(rc));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);

  int error = EADDRNOTAVAIL;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    UniqueFd fd(
        ::socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    if (!fd.valid()) {
      error = errno;
      continue;
    }
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (share) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (entry->ai_family == AF_INET6)
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (::bind(fd.get(), entry->ai_addr, entry->ai_addrlen) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
      error = errno;
      continue;
    }
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    const std::uint16_t bound_port = bound.ss_family == AF_INET6
                                         ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                         : reinterpret_cast<const sockaddr_in&>(bound).sin_port;
    return Listening{.fd = std::move(fd), .family = entry->ai_family, .port = ntohs(bound_port)};
  }
  return FailErrno(what, error);
}

void SharePort(const Listening& listening) {
  const int on = 1;
  ::setsockopt(listening.fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

Result<Listening> Duplicate(const Listening& listening) {
  UniqueFd fd(::fcntl(listening.fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) return FailErrno("duplicate a listening socket", errno);
  return Listening{.fd = std::move(fd), .family = listening.family, .port = listening.port};
}

Result<Listening> ListenUnix(const std::string& path, unsigned mode) {
  const std::string what = "listen on unix:" + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path) ||
      path.find('\0') != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, what + ": the path must have 1 to 107 bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());

  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) return FailErrno(what, EEXIST);
    if (SomebodyListens(address)) return FailErrno(what, EADDRINUSE);
    ::unlink(path.c_str());
  }
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return FailErrno(what, errno);
  // bind() gives the file the socket's own mode without the umask's bits; chmod() then adds those
  // the umask took.
  ::fchmod(fd.get(), mode);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return FailErrno(what, errno);
  }
  if (::chmod(path.c_str(), mode) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return FailErrno(what, error);
  }
  return Listening{.fd = std::move(fd), .family = AF_UNIX, .port = 0};
}

}  // namespace wirespan::http
