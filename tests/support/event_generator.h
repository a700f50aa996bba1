#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connection/event.h"
#include "agent/connection/observed_exchange.h"

// Events made by hand, as the kernel side would tell them.
namespace wirespan::testing {

// An event and the bytes that it points into.
struct OwnedEvent {
  connection::Event event{};
  std::shared_ptr<const std::string> bytes{};
};

// One socket: keeps its offsets and its time. Each event is a microsecond after the one before it.
class SocketScript {
 public:
  struct Options {
    std::uint64_t cookie = 1;
    std::uint32_t pid = 100;
    std::uint32_t tid = 100;
    std::uint64_t start_ns = 1'000'000'000;
    connection::Opener opener = connection::Opener::kRemote;
    bool joined_late = false;
    std::uint64_t read_offset = 0;  // of the next byte
    std::uint64_t write_offset = 0;
  };
  SocketScript() : SocketScript(Options{}) {}
  explicit SocketScript(Options options);

  // 192.0.2.1:8080 talking to 198.51.100.7:40000.
  OwnedEvent Open();
  // All of `bytes`; captured up to `captured` of them.
  OwnedEvent Data(connection::Direction direction, std::string bytes,
                  std::size_t captured = std::string::npos);
  OwnedEvent Read(std::string bytes) {
    return Data(connection::Direction::kRead, std::move(bytes));
  }
  OwnedEvent Write(std::string bytes) {
    return Data(connection::Direction::kWrite, std::move(bytes));
  }
  // The same bytes in events of at most `piece`.
  std::vector<OwnedEvent> Pieces(connection::Direction direction, std::string_view bytes,
                                 std::size_t piece);
  // Bytes that passed unseen.
  OwnedEvent Gap(connection::Direction direction, std::uint64_t bytes);
  // Bytes that passed and no event tells of (the ring was full).
  void Lose(connection::Direction direction, std::uint64_t bytes) { offset(direction) += bytes; }
  OwnedEvent End(connection::Direction direction);
  OwnedEvent Close(bool reset = false);

  // Where the direction's bytes end now, told or not.
  std::uint64_t end_of(connection::Direction direction) const {
    return direction == connection::Direction::kRead ? options_.read_offset : options_.write_offset;
  }
  void set_tid(std::uint32_t tid) { options_.tid = tid; }
  void Advance(std::uint64_t ns) { now_ns_ += ns; }
  std::uint64_t now_ns() const { return now_ns_; }
  connection::ConnectionId id() const { return {options_.cookie}; }

 private:
  std::uint64_t& offset(connection::Direction direction) {
    return direction == connection::Direction::kRead ? options_.read_offset : options_.write_offset;
  }
  std::uint64_t NextTime() { return now_ns_ += 1000; }

  Options options_;
  std::uint64_t now_ns_;
};

// Keeps what it is told, and counts breaches of the observer's contract.
class ExchangeRecorder final : public connection::ExchangeObserver {
 public:
  void OnRequest(std::uint64_t key, const connection::ConnectionInfo& connection,
                 const protocol::Exchange& exchange) override;
  void OnExchange(std::uint64_t key, connection::ObservedExchange exchange) override;

  std::vector<connection::ObservedExchange> exchanges{};  // all but the lost
  std::size_t lost = 0;
  std::size_t open() const { return open_.size(); }
  std::size_t breaches = 0;

 private:
  std::map<std::uint64_t, std::string> open_{};
};

}  // namespace wirespan::testing
