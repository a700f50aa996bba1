#include "common/kube/access.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/strings.h"

namespace wirespan::kube {

std::optional<Access> InClusterAccess(const Variables& variables, const std::string& root) {
  const char* host = variables("KUBERNETES_SERVICE_HOST");
  const char* port = variables("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || *host == '\0' || port == nullptr || *port == '\0') return std::nullopt;
  const std::string files = root + "/var/run/secrets/kubernetes.io/serviceaccount/";
  const std::string name(host);
  const bool ipv6 = name.find(':') != std::string::npos;
  return Access{.server = "https://" + (ipv6 ? "[" + name + "]" : name) + ":" + port,
                .token_file = files + "token",
                .ca_file = files + "ca.crt"};
}

Result<HeldFile> HoldFile(const std::string& name, std::string_view content) {
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC));
  if (!fd.valid()) return FailErrno("memfd_create", errno);
  while (!content.empty()) {
    const ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("write " + name, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  return HeldFile{.path = std::move(path), .held = std::make_shared<UniqueFd>(std::move(fd))};
}

Result<std::string> ReadSmallFile(const std::string& path, std::size_t max_bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return FailErrno("open " + path, errno);
  std::string text(max_bytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read " + path, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > max_bytes)
    return Fail(ErrorCode::kInvalidArgument,
                path + " is larger than " + std::to_string(max_bytes) + " bytes");
  text.resize(size);
  return text;
}

Result<std::string> ReadToken(const std::string& path) {
  auto text = ReadSmallFile(path, 64u << 10);
  if (!text) return text;
  std::string token(TrimAscii(*text));
  if (token.empty()) return Fail(ErrorCode::kInvalidArgument, path + " is empty");
  const bool printable = std::all_of(token.begin(), token.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
  });
  if (!printable) return Fail(ErrorCode::kInvalidArgument, path + " holds no token");
  return token;
}

std::string EscapeQuery(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

}  // namespace wirespan::kube
