// Random events into a connection table with small bounds: they hold, the observer's contract
// holds, the sums close. Each event: 1 byte of kind and connection, 1 byte of jump, 1 byte of
// length, then that many bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/connection/connection_table.h"
#include "tests/support/event_generator.h"
#include "tests/support/fake_clock.h"

using namespace wirespan;
using namespace wirespan::connection;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  TableOptions options;
  options.max_connections = 3;
  options.max_pids = 2;
  options.max_pipelined = 4;
  options.max_head_bytes = 256;
  options.max_held_pieces = 8;
  options.max_held_bytes = 512;
  options.max_held_bytes_total = 1024;
  testing::FakeClock clock;
  telemetry::Registry registry;
  testing::ExchangeRecorder recorder;
  {
    ConnectionTable table(options, clock, recorder, registry);
    std::uint64_t offsets[8][2]{};
    std::uint64_t now = 1;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    while (input.size() >= 3) {
      const auto kind = static_cast<unsigned char>(input[0]);
      const auto jump = static_cast<signed char>(input[1]);
      const auto length = static_cast<unsigned char>(input[2]);
      input.remove_prefix(3);
      const ConnectionId id{kind % 4u};
      now += 1000;
      switch (kind / 4 % 16) {
        case 0:
          table.OnEvent(
              OpenEvent{.conn = id, .ts_ns = now, .pid = length, .joined_late = jump > 0});
          break;
        case 1:
          table.OnEvent(
              CloseEvent{.conn = id, .ts_ns = now, .gone = true, .write_end_offset = length});
          break;
        case 2:
          table.OnEvent(CloseEvent{
              .conn = id, .ts_ns = now, .read_ended = jump > 0, .write_ended = jump <= 0});
          break;
        case 3:
          table.OnEvent(ExitEvent{now, length});
          break;
        case 4:
          table.Tick(now += 1'000'000ull * length * length);
          break;
        case 5:
          table.SetPressure(static_cast<Pressure>(length % 3));
          break;
        default: {
          const int direction = kind >> 7;
          std::uint64_t& offset = offsets[id.cookie][direction];
          DataEvent event;
          event.conn = id;
          event.ts_ns = now;
          event.pid = id.cookie != 0 ? 7 : length;
          event.direction = static_cast<Direction>(direction);
          event.captured = input.substr(0, length);
          event.offset = jump < -100 && offset > 10 ? offset - 10 : offset + (jump > 100 ? 5 : 0);
          event.end_offset =
              event.offset + event.captured.size() + (jump > 60 && jump <= 100 ? 50u : 0u);
          offset = std::max(offset, event.end_offset);
          input.remove_prefix(event.captured.size());
          table.OnEvent(event);
          break;
        }
      }
      if (table.connections() > 3 || table.held_events() > 3 * 2 * 8 + 6 ||
          table.held_bytes() > 1024)
        std::abort();
      if (table.open_exchanges() != recorder.open()) std::abort();
    }
    table.Shutdown();
    if (table.held_events() != 0 || table.held_bytes() != 0 || table.open_exchanges() != 0)
      std::abort();
  }
  const auto opened = static_cast<std::size_t>(registry.Value("wirespan_exchanges_opened_total"));
  const auto desynchronized = static_cast<std::size_t>(
      registry.Value("wirespan_exchanges_dropped_total", {{"reason", "desynchronized"}}));
  if (recorder.breaches != 0 || recorder.open() != 0) std::abort();
  if (opened != recorder.exchanges.size() + recorder.lost + desynchronized) std::abort();
  return 0;
}
