// Random sequences of frames, cut, lost, swapped, marked wrongly, into a connection table with
// small bounds: they hold, the observer's contract holds, the sums close, and the handover of one
// table to another is taken or refused whole. Each step: 1 byte of what, 1 byte of stream, 1 byte
// of size, then that many bytes of payload.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/connection/connection_table.h"
#include "tests/support/event_generator.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/agent/connection/http2_script.h"

using namespace wirespan;
using namespace wirespan::connection;

namespace {

struct Bounds {
  static constexpr std::size_t kStreams = 6;
  static TableOptions Options() {
    TableOptions options;
    options.max_connections = 2;
    options.max_pids = 2;
    options.max_streams = kStreams;
    options.max_http2_head_bytes = 512;
    options.max_held_pieces = 8;
    options.max_held_bytes = 512;
    options.max_held_bytes_total = 1024;
    return options;
  }
};

// One direction's octets, and what the table was told of them.
struct Lane {
  std::string pending{};
  std::uint64_t offset = 0;
};

class Run {
 public:
  Run() : table_(Bounds::Options(), clock_, recorder_, registry_) {}

  void Step(unsigned what, unsigned stream, std::string_view payload) {
    now_ns_ += 1000;
    Lane& lane = lanes_[what & 1];
    const std::uint32_t id = stream % 16;
    switch (what >> 1 & 15) {
      case 0:
        lane.pending += http2::kPreface;
        break;
      case 1:
      case 2:
        lane.pending += script::Frame(http2::FrameType::kHeaders, static_cast<std::uint8_t>(stream),
                                      id, payload);
        break;
      case 3:
        lane.pending += script::Get(id, std::string(payload), stream % 32 < 16);
        break;
      case 4:
        lane.pending += stream % 32 < 16 ? script::Ok(id, true) : script::GrpcOk(id);
        break;
      case 5:
        lane.pending += script::Data(id, payload, stream % 32 < 16);
        break;
      case 6:
        lane.pending += script::Frame(static_cast<http2::FrameType>(stream >> 4),
                                      static_cast<std::uint8_t>(what), id, payload);
        break;
      case 7:
        lane.pending += script::Trailers(id, std::string(payload));
        break;
      case 8:
        lane.pending += payload;
        break;
      case 9:
        table_.Tick(now_ns_ += 1'000'000ull * stream * stream);
        break;
      case 10:
        Emit(what & 1, lane.pending.size(), lane.pending.size(), false, true);
        break;
      case 11: {  // a run
        Emit(what & 1, lane.pending.size(), lane.pending.size(), false, false);
        DataEvent event = Event(what & 1);
        event.end_offset = event.offset + 9 + payload.size();
        event.run = {id, 1, payload.size() + (stream >> 7)};
        lane.offset = event.end_offset;
        table_.OnEvent(event);
        break;
      }
      case 12:
        table_.OnEvent(CloseEvent{.conn = {1},
                                  .ts_ns = now_ns_,
                                  .read_ended = (stream & 1) != 0,
                                  .write_ended = (stream & 2) != 0,
                                  .gone = stream > 200,
                                  .read_end_offset = lanes_[0].offset + stream % 3});
        break;
      case 13:
        table_.OnEvent(OpenEvent{.conn = {1},
                                 .ts_ns = now_ns_,
                                 .pid = 7,
                                 .opener = static_cast<Opener>(stream % 3),
                                 .joined_late = (stream & 4) != 0});
        break;
      case 14:
        Handover();
        break;
      default:
        Emit(what & 1, stream, payload.size() % 64, (stream & 1) != 0, false);
        break;
    }
    if (lane.pending.size() > 4096) Emit(what & 1, 4096, 4096, (stream & 1) != 0, false);
    if (table_.open_streams() > 2 * Bounds::kStreams || table_.held_bytes() > 1024) std::abort();
    if (table_.open_exchanges() != recorder_.open()) std::abort();
  }

  void End() {
    table_.Shutdown();
    if (table_.held_events() != 0 || table_.open_exchanges() != 0 || table_.open_streams() != 0)
      std::abort();
    const auto value = [&](std::string_view name) {
      return static_cast<std::size_t>(registry_.Value(name));
    };
    const auto dropped = [&](std::string_view reason) {
      return static_cast<std::size_t>(
          registry_.Value("wirespan_exchanges_dropped_total", {{"reason", std::string(reason)}}));
    };
    if (recorder_.breaches != 0 || recorder_.open() != 0) std::abort();
    // Dropped without having been told of: beyond the bound, and HTTP/1's out of step.
    const std::size_t told = recorder_.exchanges.size() + recorder_.lost;
    const std::size_t opened = value("wirespan_exchanges_opened_total");
    if (opened < told || opened > told + dropped("pipeline_full") + dropped("desynchronized"))
      std::abort();
  }

 private:
  DataEvent Event(unsigned direction) const {
    DataEvent event;
    event.conn = {1};
    event.ts_ns = now_ns_;
    event.pid = 7;
    event.direction = static_cast<Direction>(direction);
    event.offset = lanes_[direction].offset;
    return event;
  }
  // `n` octets of what is pending, of which `captured` are seen.
  void Emit(unsigned direction, std::size_t n, std::size_t captured, bool mark, bool lose) {
    Lane& lane = lanes_[direction];
    n = std::min(n, lane.pending.size());
    if (n == 0) return;
    DataEvent event = Event(direction);
    const std::string bytes = lane.pending.substr(0, n);
    lane.pending.erase(0, n);
    event.end_offset = lane.offset += n;
    event.captured = std::string_view(bytes).substr(0, std::min(n, captured));
    event.frame_start = mark;
    if (!lose) table_.OnEvent(event);
  }
  void Handover() {
    auto handed = table_.ExportTables();
    const std::string bytes = SerializeHandover(handed, 4096);
    auto parsed = ParseHandover(bytes);
    if (!parsed || bytes.size() > 4096) std::abort();
    table_.OnEvent(CloseEvent{.conn = {1}, .ts_ns = now_ns_, .gone = true});
    table_.AdoptTables(std::move(*parsed));
  }

  testing::FakeClock clock_{};
  telemetry::Registry registry_{};
  testing::ExchangeRecorder recorder_{};
  ConnectionTable table_;
  Lane lanes_[2]{};
  std::uint64_t now_ns_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  ParseHandover(input);
  Run run;
  while (input.size() >= 3) {
    const auto what = static_cast<unsigned char>(input[0]);
    const auto stream = static_cast<unsigned char>(input[1]);
    const std::size_t length = static_cast<unsigned char>(input[2]);
    input.remove_prefix(3);
    const std::string_view payload = input.substr(0, length);
    input.remove_prefix(payload.size());
    run.Step(what, stream, payload);
  }
  run.End();
  return 0;
}
