#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <utility>

// Plain and TLS connections behind one stream type, so that Beast's templates are compiled once for
// both.
namespace wirespan::http::internal {

// The first buffers of a sequence, by value: what one write takes at most.
struct ConstBuffers {
  std::array<boost::asio::const_buffer, 16> items{};
  std::size_t count = 0;
  const boost::asio::const_buffer* begin() const { return items.data(); }
  const boost::asio::const_buffer* end() const { return items.data() + count; }
};

// The bytes of one connection. One read and one write at a time, as with any Asio stream; callbacks
// run on the connection's executor.
class Transport {
 public:
  using Moved = std::function<void(boost::system::error_code, std::size_t)>;
  using Done = std::function<void(boost::system::error_code)>;

  virtual ~Transport() = default;
  virtual void ReadSome(boost::asio::mutable_buffer buffer, Moved moved) = 0;
  virtual void WriteSome(const ConstBuffers& buffers, Moved moved) = 0;
  virtual void Handshake(Done done) = 0;  // plain: done at once
  virtual void Shutdown(Done done) = 0;   // TLS's goodbye; plain: done at once
};

// What Asio and Beast call an AsyncStream.
class ByteStream {
 public:
  using executor_type = boost::asio::any_io_executor;

  ByteStream(executor_type executor, std::unique_ptr<Transport> transport)
      : executor_(std::move(executor)), transport_(std::move(transport)) {}

  executor_type get_executor() const { return executor_; }
  Transport& transport() { return *transport_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    boost::asio::mutable_buffer first;
    for (auto at = boost::asio::buffer_sequence_begin(buffers);
         at != boost::asio::buffer_sequence_end(buffers); ++at) {
      first = *at;
      if (first.size() > 0) break;
    }
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto&& completion, boost::asio::mutable_buffer buffer) {
          transport_->ReadSome(buffer, Share(std::forward<decltype(completion)>(completion)));
        },
        handler, first);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    ConstBuffers some;
    for (auto at = boost::asio::buffer_sequence_begin(buffers);
         at != boost::asio::buffer_sequence_end(buffers) && some.count < some.items.size(); ++at) {
      const boost::asio::const_buffer buffer = *at;
      if (buffer.size() > 0) some.items[some.count++] = buffer;
    }
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto&& completion, const ConstBuffers& from) {
          transport_->WriteSome(from, Share(std::forward<decltype(completion)>(completion)));
        },
        handler, some);
  }

 private:
  // Completions are move-only, std::function copies.
  template <class Completion>
  static Transport::Moved Share(Completion&& completion) {
    auto shared = std::make_shared<std::decay_t<Completion>>(std::forward<Completion>(completion));
    return [shared](boost::system::error_code error, std::size_t size) {
      std::move (*shared)(error, size);
    };
  }

  executor_type executor_;
  std::unique_ptr<Transport> transport_;
};

template <class Lower>
class PlainTransport final : public Transport {
 public:
  template <class... Args>
  explicit PlainTransport(Args&&... args) : lower_(std::forward<Args>(args)...) {}
  Lower& lower() { return lower_; }

  void ReadSome(boost::asio::mutable_buffer buffer, Moved moved) override {
    lower_.async_read_some(buffer, std::move(moved));
  }
  void WriteSome(const ConstBuffers& buffers, Moved moved) override {
    lower_.async_write_some(buffers, std::move(moved));
  }
  void Handshake(Done done) override { done({}); }
  void Shutdown(Done done) override { done({}); }

 private:
  Lower lower_;
};

}  // namespace wirespan::http::internal
