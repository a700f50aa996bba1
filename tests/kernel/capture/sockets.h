#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "agent/connection/address.h"
#include "common/base/unique_fd.h"

// Sockets as a test wants them. Everything here throws std::system_error where the machine fails
// the test.
namespace wirespan::kernel_test {

// How events name a socket from outside: both its addresses, or its cookie where these say nothing
// (socketpair).
struct SocketName {
  connection::Endpoint local{};
  connection::Endpoint remote{};
  std::uint64_t cookie = 0;
  bool by_cookie = false;
};
SocketName NameOf(int fd);

struct Pair {
  UniqueFd client;
  UniqueFd server;
};

struct Listener {
  UniqueFd fd;
  std::uint16_t port = 0;
  UniqueFd Accept() const;
};

enum class Kind { kInet, kInet6, kUnix };
const char* KindName(Kind kind);

Listener Listen(Kind kind);  // a free port on the loopback address, or a fresh abstract name
UniqueFd Connect(
    Kind kind, const Listener& listener);  // the client end is bound to a name of its own for kUnix
Pair Connected(Kind kind);
inline Pair TcpPair() { return Connected(Kind::kInet); }
Pair UnnamedPair();  // socketpair(AF_UNIX, SOCK_STREAM)

void SendAll(int fd, std::string_view bytes);           // by write(2), until all are gone
std::string ReceiveExactly(int fd, std::size_t bytes);  // by read(2)
std::string ReceiveToEnd(int fd);
void SetNonBlocking(int fd);

// "GET <path> HTTP/1.1" with a few headers, and an answer with a body of so many bytes.
std::string Request(std::string_view path);
std::string Post(std::string_view path, std::size_t body_bytes);
std::string Response(std::size_t body_bytes);
// A request whose head (last empty line included) has exactly that size.
std::string RequestOfSize(std::size_t head_bytes);

// A process of the test. `body` runs in it; what it returns is the exit code.
class Child {
 public:
  explicit Child(const std::function<int()>& body);
  // Runs a program found in PATH with its output thrown away.
  static Child Exec(const std::function<void()>& before,
                    std::initializer_list<std::string> command);
  ~Child();
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  int Wait();  // the exit code; 128 + signal if killed

 private:
  pid_t pid_ = -1;
};

}  // namespace wirespan::kernel_test
