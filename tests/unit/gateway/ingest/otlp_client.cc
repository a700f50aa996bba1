#include "tests/unit/gateway/ingest/otlp_client.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace wirespan::gateway::testing {

GrpcAnswer GrpcExport(const std::string& target, const std::string& method,
                      std::string_view request, GrpcCompression compression,
                      std::chrono::milliseconds timeout,
                      const std::vector<std::pair<std::string, std::string>>& metadata) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  grpc::GenericStub stub(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
  if (compression == GrpcCompression::kGzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  if (compression == GrpcCompression::kDeflate)
    context.set_compression_algorithm(GRPC_COMPRESS_DEFLATE);
  const grpc::Slice slice(request.data(), request.size());
  const grpc::ByteBuffer message(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &message, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  GrpcAnswer answer{.code = status.error_code(),
                    .message = status.error_message(),
                    .details = status.error_details()};
  grpc::Slice bytes;
  if (response.Valid() && response.DumpToSingleSlice(&bytes).ok()) {
    answer.response.assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  }
  return answer;
}

std::string HttpAnswer::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return {};
}

HttpAnswer HttpSend(std::uint16_t port, std::string_view method, std::string_view path,
                    const std::vector<std::string>& headers, std::string_view body) {
  HttpAnswer answer;
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return answer;
  }
  std::string request = std::string(method) + " " + std::string(path) +
                        " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
  bool chunked = false;
  for (const std::string& line : headers) {
    request += line + "\r\n";
    chunked |= StartsWithIgnoreCase(line, "transfer-encoding:");
  }
  if (!chunked) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n";
  request += body;
  std::string_view rest = request;
  while (!rest.empty()) {
    const ssize_t n = ::send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n <= 0) break;  // refused while we send: the answer may be there already
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  std::string received;
  char buffer[16384];
  for (ssize_t n = 0; (n = ::recv(fd.get(), buffer, sizeof(buffer), 0)) > 0;) {
    received.append(buffer, static_cast<std::size_t>(n));
  }
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string::npos || received.size() < 12) return answer;
  answer.status = std::atoi(received.c_str() + 9);
  answer.body = received.substr(end + 4);
  for (std::string_view line : Split(std::string_view(received).substr(0, end), '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    answer.headers.emplace_back(TrimAscii(line.substr(0, colon)),
                                TrimAscii(line.substr(colon + 1)));
  }
  return answer;
}

}  // namespace wirespan::gateway::testing
