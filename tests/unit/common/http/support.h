#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "common/base/unique_fd.h"

namespace wirespan::http::testing {

using namespace std::chrono_literals;

inline constexpr auto kDeadline = 60s;  // of things that take milliseconds

template <class Condition>
bool Eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class TempFolder {
 public:
  TempFolder() {
    char name[] = "/tmp/wirespan-http-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(std::string_view file) const { return path_ + "/" + std::string(file); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline UniqueFd ConnectTo(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.reset();
  return fd;
}

// False once the peer has closed.
inline bool SendAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Until `stop` is in it, the peer closes, or the deadline passes.
inline std::string ReadUntil(int fd, std::string_view stop) {
  std::string out;
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (stop.empty() || out.find(stop) == std::string::npos) {
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    if (std::chrono::steady_clock::now() > end) break;
    if (::poll(&entry, 1, 1000) == 0) continue;
    char bytes[16384];
    const ssize_t n = ::recv(fd, bytes, sizeof(bytes), 0);
    if (n <= 0) break;
    out.append(bytes, static_cast<std::size_t>(n));
  }
  return out;
}
inline std::string ReadToEnd(int fd) { return ReadUntil(fd, ""); }

// A listener on loopback for fakes of servers and proxies.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(fd_.get(), 64) != 0)
      ::abort();
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  std::uint16_t port() const { return port_; }
  UniqueFd Accept() const {
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 60'000) != 1) return UniqueFd();
    return UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  void Close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  std::uint16_t port_ = 0;
};

// A CA, a server certificate for localhost and 127.0.0.1, and a client certificate, made by the
// openssl command.
inline bool MakeCertificates(const TempFolder& folder) {
  const std::string script =
      "set -e; cd " + folder.path() +
      "; key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; };"
      "key ca; openssl req -x509 -new -key ca.key -subj /CN=test-ca -days 2 -out ca.pem;"
      "for n in server client; do key $n; openssl req -new -key $n.key -subj /CN=$n -out $n.csr;"
      "printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' > ext;"
      "openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext "
      "-out $n.pem; done";
  return std::system(("( " + script + " ) >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace wirespan::http::testing
