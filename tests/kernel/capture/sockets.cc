#include "tests/kernel/capture/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <vector>

#include "tests/kernel/capture/capture.h"

namespace wirespan::kernel_test {
namespace {

template <class T>
T Check(T result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

connection::Endpoint ToEndpoint(const sockaddr_storage& address, socklen_t length) {
  connection::Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    endpoint.family = connection::Family::kInet;
    std::memcpy(endpoint.ip.data(), &in.sin_addr, 4);
    endpoint.port = ntohs(in.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
    endpoint.family = connection::Family::kInet6;
    std::memcpy(endpoint.ip.data(), &in6.sin6_addr, 16);
    endpoint.port = ntohs(in6.sin6_port);
  } else if (address.ss_family == AF_UNIX) {
    const auto& un = reinterpret_cast<const sockaddr_un&>(address);
    endpoint.family = connection::Family::kUnix;
    if (length > offsetof(sockaddr_un, sun_path)) {
      endpoint.path.assign(un.sun_path, length - offsetof(sockaddr_un, sun_path));
      if (endpoint.path[0] == '\0') {
        endpoint.path[0] = '@';
      } else {
        endpoint.path.resize(std::strlen(endpoint.path.c_str()));
      }
    }
  }
  return endpoint;
}

sockaddr_un FreshName(socklen_t& length) {
  static std::atomic<int> number = 0;
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  const int written = std::snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
                                    "wirespan-test-%d-%d", getpid(), ++number);
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                  static_cast<std::size_t>(written));
  return name;
}

int Domain(Kind kind) {
  return kind == Kind::kInet ? AF_INET : kind == Kind::kInet6 ? AF_INET6 : AF_UNIX;
}

}  // namespace

const char* KindName(Kind kind) {
  return kind == Kind::kInet ? "inet" : kind == Kind::kInet6 ? "inet6" : "unix";
}

SocketName NameOf(int fd) {
  SocketName name;
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  Check(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  name.local = ToEndpoint(address, length);
  length = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    name.remote = ToEndpoint(address, length);
  name.by_cookie = name.local.family == connection::Family::kUnix && name.local.path.empty();
  length = sizeof(name.cookie);
  Check(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &name.cookie, &length), "SO_COOKIE");
  return name;
}

Listener Listen(Kind kind) {
  Listener listener{
      .fd = UniqueFd(Check(socket(Domain(kind), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")),
      .port = 0};
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (kind == Kind::kUnix) {
    const auto name = FreshName(length);
    std::memcpy(&address, &name, sizeof(name));
  } else if (kind == Kind::kInet) {
    auto& in = reinterpret_cast<sockaddr_in&>(address);
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    length = sizeof(in);
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
    in6.sin6_family = AF_INET6;
    in6.sin6_addr = in6addr_loopback;
    length = sizeof(in6);
  }
  Check(bind(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), length), "bind");
  Check(listen(listener.fd.get(), 64), "listen");
  listener.port = NameOf(listener.fd.get()).local.port;
  return listener;
}

UniqueFd Listener::Accept() const {
  return UniqueFd(Check(accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
}

UniqueFd Connect(Kind kind, const Listener& listener) {
  UniqueFd client(Check(socket(Domain(kind), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  if (kind == Kind::kUnix) {
    socklen_t length = 0;
    const auto name = FreshName(length);
    Check(bind(client.get(), reinterpret_cast<const sockaddr*>(&name), length), "bind");
  }
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  Check(getsockname(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), &length),
        "getsockname");
  Check(connect(client.get(), reinterpret_cast<sockaddr*>(&address), length), "connect");
  if (kind != Kind::kUnix) {
    const int on = 1;
    Check(setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
  }
  return client;
}

Pair Connected(Kind kind) {
  const auto listener = Listen(kind);
  auto client = Connect(kind, listener);
  return {.client = std::move(client), .server = listener.Accept()};
}

Pair UnnamedPair() {
  int fds[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "socketpair");
  return {.client = UniqueFd(fds[0]), .server = UniqueFd(fds[1])};
}

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    bytes.remove_prefix(static_cast<std::size_t>(Check(n, "write")));
  }
}

std::string ReceiveExactly(int fd, std::size_t bytes) {
  std::string all(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    const auto n = Check(read(fd, all.data() + have, bytes - have), "read");
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  all.resize(have);
  return all;
}

std::string ReceiveToEnd(int fd) {
  std::string all;
  std::vector<char> buffer(65536);
  while (const auto n = Check(read(fd, buffer.data(), buffer.size()), "read"))
    all.append(buffer.data(), static_cast<std::size_t>(n));
  return all;
}

void SetNonBlocking(int fd) { Check(fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl"); }

std::string Request(std::string_view path) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: test.example\r\nUser-Agent: kernel-test/1\r\n\r\n";
}

std::string Post(std::string_view path, std::size_t body_bytes) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: test.example\r\nContent-Length: " + std::to_string(body_bytes) +
         "\r\n\r\n" + std::string(body_bytes, 'u');
}

std::string Response(std::size_t body_bytes) {
  return "HTTP/1.1 200 OK\r\nServer: kernel-test\r\nContent-Length: " + std::to_string(body_bytes) +
         "\r\n\r\n" + std::string(body_bytes, 'b');
}

std::string RequestOfSize(std::size_t head_bytes) {
  std::string head = "GET /long HTTP/1.1\r\nHost: test.example\r\n";
  for (int n = 0; head.size() + 128 < head_bytes; ++n)
    head += "X-" + std::to_string(n) + ": " + std::string(90, 'h') + "\r\n";
  const std::string last = "X-Last: ";
  head += last + std::string(head_bytes - head.size() - last.size() - 4, 'e') + "\r\n\r\n";
  return head;
}

Child::Child(const std::function<int()>& body) {
  std::fflush(nullptr);
  int ready[2];
  Check(pipe(ready), "pipe");
  pid_ = Check(fork(), "fork");
  if (pid_ == 0) {
    close(ready[1]);
    char go;
    if (read(ready[0], &go, 1) != 1) _exit(126);  // not before the watcher knows this process
    close(ready[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = 125;
    try {
      code = body();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "child: %s\n", e.what());
    }
    std::fflush(nullptr);
    _exit(code);
  }
  AddOwnProcess(pid_);
  close(ready[0]);
  Check(write(ready[1], "g", 1), "write");
  close(ready[1]);
}

Child Child::Exec(const std::function<void()>& before, std::initializer_list<std::string> command) {
  return Child([&] {
    std::vector<std::string> words(command);
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    if (before) before();
    execvp(argv[0], argv.data());
    return 127;
  });
}

int Child::Wait() {
  int status = 0;
  Check(waitpid(std::exchange(pid_, -1), &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Child::~Child() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace wirespan::kernel_test
