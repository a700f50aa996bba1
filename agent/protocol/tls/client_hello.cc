#include "agent/protocol/tls/client_hello.h"

#include <algorithm>
#include <cstdint>

namespace wirespan::tls {
namespace {

using protocol::ParseStatus;

// Reads big-endian fields from the front; remembers if the input ended too early.
class Reader {
 public:
  explicit Reader(std::string_view data) : data_(data) {}

  std::uint32_t Number(std::size_t bytes) {
    std::uint32_t value = 0;
    for (const char c : Bytes(bytes)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  // Fewer than n at the end of the data.
  std::string_view Bytes(std::size_t n) {
    if (n > data_.size()) short_ = true;
    const std::string_view out = data_.substr(0, n);
    data_.remove_prefix(out.size());
    return out;
  }
  std::string_view Vector(std::size_t length_bytes) {
    const std::uint32_t n = Number(length_bytes);
    return short_ ? std::string_view{} : Bytes(n);
  }
  bool was_short() const { return short_; }
  bool empty() const { return data_.empty(); }

 private:
  std::string_view data_;
  bool short_ = false;
};

std::string Printable(std::string_view text) {
  const bool good = text.size() <= 255 && std::all_of(text.begin(), text.end(),
                                                      [](char c) { return c > ' ' && c < 127; });
  return good ? std::string(text) : std::string();
}

void ReadServerName(std::string_view extension, ClientHello& hello) {
  Reader reader(extension);
  Reader list(reader.Vector(2));
  while (!list.empty() && !list.was_short()) {
    const std::uint32_t type = list.Number(1);
    const std::string_view name = list.Vector(2);
    if (type != 0 || list.was_short()) continue;
    hello.server_name = Printable(name);
    return;
  }
}

void ReadAlpn(std::string_view extension, ClientHello& hello) {
  Reader reader(extension);
  Reader list(reader.Vector(2));
  const std::string_view first = list.Vector(1);
  if (!list.was_short()) hello.alpn = Printable(first);
}

ParseStatus MatchRecord(std::string_view input, unsigned char type_low, unsigned char type_high) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  if (input.size() > 0 && (byte(0) < type_low || byte(0) > type_high)) return ParseStatus::kInvalid;
  if (input.size() > 1 && byte(1) != 3) return ParseStatus::kInvalid;
  if (input.size() > 2 && byte(2) > 4) return ParseStatus::kInvalid;
  if (input.size() < 5) return ParseStatus::kNeedMore;
  const unsigned length = byte(3) * 256u + byte(4);
  return length == 0 || length > 16384 + 2048 ? ParseStatus::kInvalid : ParseStatus::kComplete;
}

}  // namespace

ParseStatus LooksLikeTlsRecord(std::string_view input) { return MatchRecord(input, 20, 23); }

ParseStatus LooksLikeClientHello(std::string_view input) {
  const ParseStatus record = MatchRecord(input, 22, 22);
  if (record != ParseStatus::kComplete) return record;
  if (input.size() < 6) return ParseStatus::kNeedMore;
  return input[5] == 1 ? ParseStatus::kComplete : ParseStatus::kInvalid;
}

ParseStatus ParseClientHello(std::string_view input, ClientHello& hello) {
  hello = ClientHello{};
  const ParseStatus looks = LooksLikeClientHello(input);
  if (looks != ParseStatus::kComplete) return looks;
  Reader record(input.substr(3));
  Reader message(record.Vector(2));
  message.Number(1);
  Reader body(message.Vector(3));
  body.Bytes(2 + 32);  // version, random
  body.Vector(1);      // session id
  body.Vector(2);      // cipher suites
  body.Vector(1);      // compression methods
  // The extensions' own length may reach beyond a cut record: read what there is.
  body.Number(2);
  while (!body.empty() && !body.was_short()) {
    const std::uint32_t type = body.Number(2);
    const std::string_view extension = body.Vector(2);
    if (body.was_short()) break;
    if (type == 0) ReadServerName(extension, hello);
    if (type == 16) ReadAlpn(extension, hello);
  }
  if (record.was_short()) return ParseStatus::kNeedMore;
  // A hello longer than one record (a large key share): its front is what we have.
  return ParseStatus::kComplete;
}

}  // namespace wirespan::tls
