#pragma once

#include <nghttp2/nghttp2.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

// An HTTP/2 client and a server (nghttp2's) that talk in memory, and what they said: octets, and
// what each stream was in truth.
namespace wirespan::connection {

enum class StreamEnd : std::uint8_t { kOpen, kComplete, kClientReset, kServerReset };

struct StreamTruth {
  bool grpc = false;
  std::string method{};
  std::string path{};
  std::string authority{};
  std::string user_agent{};
  int status = 0;
  std::string response_type{};
  std::optional<int> grpc_status{};
  std::uint64_t request_body = 0;  // as sent
  std::uint64_t response_body = 0;
  std::uint64_t request_messages = 0;  // planned
  std::uint64_t response_messages = 0;
  bool trailers_only = false;
  bool early = false;           // answered before the request is complete
  std::string extra{};          // a header that only makes the list longer
  std::size_t first_write = 0;  // that has its request
  bool sent = false;            // its request was written; else it was given up before
  StreamEnd end = StreamEnd::kOpen;
};

// What one end wrote with one call.
struct Written {
  bool client = false;
  std::string bytes{};
  std::string payload{};  // for each octet: 'd' if it is DATA payload, else '.'
};

struct PeersPlan {
  std::uint32_t client_table = 4096;  // SETTINGS_HEADER_TABLE_SIZE of each end
  std::uint32_t server_table = 4096;
  bool padding = false;
  bool pushes = false;
  bool indexing = true;  // else all headers go as literals that are not added
  double resets = 0;     // share of streams that one side gives up
};

class Peers {
 public:
  Peers(std::mt19937& random, PeersPlan plan);
  ~Peers();
  Peers(const Peers&) = delete;

  // Opens a stream; `truth` says what it is to be. Its number.
  std::int32_t Open(StreamTruth truth);
  // A few frames of one side. False: neither has anything to say.
  bool Step();
  void Run() {
    while (Step()) {
    }
  }
  void SubmitGoaway(std::int32_t last_stream, std::uint32_t code);
  void Reset(bool client, std::int32_t stream, std::uint32_t code);
  // Everything that one side has to say, in one write.
  void Flush(bool client);

  const std::map<std::int32_t, StreamTruth>& streams() const { return streams_; }
  const std::vector<Written>& written() const { return written_; }
  std::size_t open() const;
  std::size_t sent() const;
  std::size_t ended() const;

 private:
  struct Body {
    std::string bytes{};
    std::size_t at = 0;
    bool trailers = false;
  };
  struct Stream {
    Body request{};
    Body response{};
    bool answered = false;
  };
  static ssize_t Read(nghttp2_session* session, std::int32_t id, std::uint8_t* out,
                      std::size_t length, std::uint32_t* flags, nghttp2_data_source* source,
                      void* self);
  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self);
  static int OnSent(nghttp2_session* session, const nghttp2_frame* frame, void* self);
  static ssize_t Pad(nghttp2_session* session, const nghttp2_frame* frame, std::size_t max,
                     void* self);

  nghttp2_session* Make(bool client, std::uint32_t table);
  bool WriteSome(bool client, std::size_t frames);
  void Answer(std::int32_t id);
  std::string MessagesOf(std::uint64_t count);
  std::size_t Below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  bool Chance(double p) { return std::uniform_real_distribution<double>(0, 1)(random_) < p; }

  std::mt19937& random_;
  PeersPlan plan_;
  nghttp2_session* client_;
  nghttp2_session* server_;
  std::map<std::int32_t, StreamTruth> streams_{};
  std::map<std::int32_t, Stream> bodies_{};
  std::vector<Written> written_{};
};

// A stream of any kind, made up from `random`; `i` is in its path and its response's content type.
StreamTruth AnyStream(std::mt19937& random, int i);

}  // namespace wirespan::connection
