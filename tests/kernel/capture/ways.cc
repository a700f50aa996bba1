#include "tests/kernel/capture/ways.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "common/base/unique_fd.h"
#include "tests/kernel/capture/sockets.h"

namespace wirespan::kernel_test {
namespace {

std::size_t Moved(ssize_t result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return static_cast<std::size_t>(result);
}

using SendSome = std::function<ssize_t(int fd, const char* bytes, std::size_t size)>;
using ReceiveSome = std::function<ssize_t(int fd, char* buffer, std::size_t size)>;

std::function<void(int, std::string_view)> Sender(const char* what, SendSome some) {
  return [what, some](int fd, std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(Moved(some(fd, bytes.data(), bytes.size()), what));
  };
}

std::function<std::string(int, std::size_t)> Receiver(const char* what, ReceiveSome some) {
  return [what, some](int fd, std::size_t size) {
    std::string all(size, '?');
    for (std::size_t have = 0; have < size;) {
      const auto n = Moved(some(fd, all.data() + have, size - have), what);
      if (n == 0) return all.substr(0, have);
      have += n;
    }
    return all;
  };
}

// Cuts a buffer into four parts of which one is empty and one is small.
std::array<iovec, 4> Parts(const char* bytes, std::size_t size) {
  auto* at = const_cast<char*>(bytes);
  const auto small = std::min<std::size_t>(size, 7), half = small + (size - small) / 2;
  return {iovec{at, small}, iovec{at + small, 0}, iovec{at + small, half - small},
          iovec{at + half, size - half}};
}

msghdr Message(std::array<iovec, 4>& parts) {
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return message;
}

// Three messages in one call; what a call leaves over is sent by the next one.
ssize_t SendSeveral(int fd, const char* bytes, std::size_t size) {
  std::array<std::array<iovec, 4>, 3> parts{};
  std::array<mmsghdr, 3> messages{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto from = size * i / 3, to = size * (i + 1) / 3;
    parts[i] = Parts(bytes + from, to - from);
    messages[i].msg_hdr = Message(parts[i]);
  }
  const auto sent = sendmmsg(fd, messages.data(), 3, 0);
  if (sent < 0) return -1;
  ssize_t all = 0;
  for (int i = 0; i < sent; ++i) all += messages[static_cast<std::size_t>(i)].msg_len;
  return all;
}

ssize_t ReceiveSeveral(int fd, char* buffer, std::size_t size) {
  std::array<std::array<iovec, 4>, 3> parts{};
  std::array<mmsghdr, 3> messages{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto from = size * i / 3, to = size * (i + 1) / 3;
    parts[i] = Parts(buffer + from, to - from);
    messages[i].msg_hdr = Message(parts[i]);
  }
  // A buffer too short to be cut in three is one message: an empty one would not wait.
  const auto count = size < 3 ? 1u : 3u;
  if (count == 1) parts[0] = Parts(buffer, size);
  const auto received = recvmmsg(fd, messages.data(), count, MSG_WAITFORONE, nullptr);
  if (received < 0) return -1;
  ssize_t all = 0;
  for (int i = 0; i < received; ++i) {
    const auto n = messages[static_cast<std::size_t>(i)].msg_len;
    if (all != static_cast<ssize_t>(size * static_cast<std::size_t>(i) /
                                    3)) {  // the message before was a short one
      std::copy_n(buffer + size * static_cast<std::size_t>(i) / 3, n, buffer + all);
    }
    all += n;
  }
  return all;
}

// Where the kernel moves bytes without a buffer, a program still writes and reads the head of a
// message itself.
std::size_t HeadSize(std::string_view message) { return message.find("\r\n\r\n") + 4; }

void SendFile(int fd, std::string_view bytes) {
  SendAll(fd, bytes.substr(0, HeadSize(bytes)));
  bytes.remove_prefix(HeadSize(bytes));
  UniqueFd file(memfd_create("body", MFD_CLOEXEC));
  SendAll(file.get(), bytes);
  for (off_t at = 0; at < static_cast<off_t>(bytes.size());)
    Moved(sendfile(fd, file.get(), &at, bytes.size() - static_cast<std::size_t>(at)), "sendfile");
}

void SpliceIn(int fd, std::string_view bytes) {
  int ends[2];
  Moved(pipe2(ends, O_CLOEXEC), "pipe");
  const UniqueFd out(ends[0]), in(ends[1]);
  SendAll(fd, bytes.substr(0, HeadSize(bytes)));
  bytes.remove_prefix(HeadSize(bytes));
  while (!bytes.empty()) {
    const auto piece = std::min<std::size_t>(bytes.size(), 16384);
    SendAll(in.get(), bytes.substr(0, piece));
    for (std::size_t left = piece; left > 0;)
      left -= Moved(splice(out.get(), nullptr, fd, nullptr, left, 0), "splice");
    bytes.remove_prefix(piece);
  }
}

std::string SpliceOut(int fd, std::size_t size) {
  int ends[2];
  Moved(pipe2(ends, O_CLOEXEC), "pipe");
  const UniqueFd out(ends[0]), in(ends[1]);
  std::string all;
  while (!all.ends_with("\r\n\r\n")) all += ReceiveExactly(fd, 1);
  while (all.size() < size) {
    const auto n = Moved(
        splice(fd, nullptr, in.get(), nullptr, std::min<std::size_t>(size - all.size(), 16384), 0),
        "splice");
    if (n == 0) break;
    all += ReceiveExactly(out.get(), n);
  }
  return all;
}

std::vector<Way> MakeWays() {
  const auto write_some = [](int fd, const char* b, std::size_t n) { return write(fd, b, n); };
  const auto read_some = [](int fd, char* b, std::size_t n) { return read(fd, b, n); };
  std::vector<Way> ways;
  ways.push_back({.name = "read_write",
                  .send = Sender("write", write_some),
                  .receive = Receiver("read", read_some)});
  ways.push_back({.name = "readv_writev",
                  .send = Sender("writev",
                                 [](int fd, const char* b, std::size_t n) {
                                   auto p = Parts(b, n);
                                   return writev(fd, p.data(), 4);
                                 }),
                  .receive = Receiver("readv", [](int fd, char* b, std::size_t n) {
                    auto p = Parts(b, n);
                    return readv(fd, p.data(), 4);
                  })});
  ways.push_back({.name = "preadv2_pwritev2",
                  .send = Sender("pwritev2",
                                 [](int fd, const char* b, std::size_t n) {
                                   auto p = Parts(b, n);
                                   return pwritev2(fd, p.data(), 4, -1, 0);
                                 }),
                  .receive = Receiver("preadv2", [](int fd, char* b, std::size_t n) {
                    auto p = Parts(b, n);
                    return preadv2(fd, p.data(), 4, -1, 0);
                  })});
  ways.push_back(
      {.name = "send_recv",
       .send = Sender("send", [](int fd, const char* b,
                                 std::size_t n) { return send(fd, b, n, MSG_NOSIGNAL); }),
       .receive =
           Receiver("recv", [](int fd, char* b, std::size_t n) { return recv(fd, b, n, 0); })});
  ways.push_back({.name = "sendto_recvfrom",
                  .send = Sender("sendto",
                                 [](int fd, const char* b, std::size_t n) {
                                   return sendto(fd, b, n, MSG_NOSIGNAL, nullptr, 0);
                                 }),
                  .receive = Receiver("recvfrom", [](int fd, char* b, std::size_t n) {
                    sockaddr_storage from{};
                    socklen_t length = sizeof(from);
                    return recvfrom(fd, b, n, 0, reinterpret_cast<sockaddr*>(&from), &length);
                  })});
  ways.push_back({.name = "sendmsg_recvmsg",
                  .send = Sender("sendmsg",
                                 [](int fd, const char* b, std::size_t n) {
                                   auto p = Parts(b, n);
                                   auto m = Message(p);
                                   return sendmsg(fd, &m, 0);
                                 }),
                  .receive = Receiver("recvmsg", [](int fd, char* b, std::size_t n) {
                    auto p = Parts(b, n);
                    auto m = Message(p);
                    return recvmsg(fd, &m, 0);
                  })});
  ways.push_back({.name = "sendmmsg_recvmmsg",
                  .send = Sender("sendmmsg", SendSeveral),
                  .receive = Receiver("recvmmsg", ReceiveSeveral)});
  ways.push_back({.name = "sendfile",
                  .send = SendFile,
                  .receive = Receiver("read", read_some),
                  .send_shows_body = false});
  ways.push_back({.name = "splice_in",
                  .send = SpliceIn,
                  .receive = Receiver("read", read_some),
                  .send_shows_body = false});
  ways.push_back({.name = "splice_out",
                  .send = Sender("write", write_some),
                  .receive = SpliceOut,
                  .receive_shows_body = false});
  return ways;
}

}  // namespace

const std::vector<Way>& Ways() {
  static const auto ways = MakeWays();
  return ways;
}

}  // namespace wirespan::kernel_test
