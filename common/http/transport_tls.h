#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "common/http/transport.h"

namespace wirespan::http::internal {

template <class Lower>
class TlsTransport final : public Transport {
 public:
  using Side = boost::asio::ssl::stream_base::handshake_type;

  template <class Socket>
  TlsTransport(Socket&& socket, std::shared_ptr<boost::asio::ssl::context> context, Side side)
      : context_(std::move(context)),
        stream_(std::forward<Socket>(socket), *context_),
        side_(side) {}
  Lower& lower() { return stream_.next_layer(); }
  SSL* native() { return stream_.native_handle(); }
  auto& stream() { return stream_; }

  void ReadSome(boost::asio::mutable_buffer buffer, Moved moved) override {
    stream_.async_read_some(buffer, std::move(moved));
  }
  void WriteSome(const ConstBuffers& buffers, Moved moved) override {
    stream_.async_write_some(buffers, std::move(moved));
  }
  void Handshake(Done done) override { stream_.async_handshake(side_, std::move(done)); }
  void Shutdown(Done done) override { stream_.async_shutdown(std::move(done)); }

 private:
  const std::shared_ptr<boost::asio::ssl::context> context_;
  boost::beast::ssl_stream<Lower> stream_;
  const Side side_;
};

}  // namespace wirespan::http::internal
