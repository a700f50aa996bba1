#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocol/hpack/decoder.h"

// nghttp2's HPACK on both sides of ours.
namespace wirespan::hpack::testing {

struct Header {
  std::string name{};
  std::string value{};
  bool sensitive = false;  // never indexed
  friend bool operator==(const Header& a, const Header& b) {
    return a.name == b.name && a.value == b.value;
  }
};
using Headers = std::vector<Header>;

class Encoder {
 public:
  explicit Encoder(std::size_t max_table_bytes = 4096);
  std::string Encode(const Headers& headers);
  void SetTableBytes(std::size_t bytes);

 private:
  std::unique_ptr<nghttp2_hd_deflater, void (*)(nghttp2_hd_deflater*)> deflater_;
};

class OracleDecoder {
 public:
  OracleDecoder();
  // Nothing: nghttp2 refuses the block, and everything after it.
  std::optional<Headers> Decode(std::string_view block);

 private:
  std::unique_ptr<nghttp2_hd_inflater, void (*)(nghttp2_hd_inflater*)> inflater_;
};

// Collects what a decoder tells.
struct Seen {
  std::string name{};
  std::string value{};
  bool name_known = true;
  bool value_known = true;
  bool never_indexed = false;
  // Nothing that is said of it is wrong.
  bool Agrees(const Header& truth) const {
    return (!name_known || name == truth.name) && (!value_known || value == truth.value);
  }
};

class Collector final : public FieldSink {
 public:
  void OnField(const Field& field) override {
    fields.push_back({std::string(field.name_text), std::string(field.value), field.name_known,
                      field.value_known, field.never_indexed});
  }
  Headers headers() const {
    Headers out;
    for (const Seen& field : fields) {
      out.push_back(field.name_known && field.value_known ? Header{field.name, field.value}
                                                          : Header{"?", "?"});
    }
    return out;
  }
  std::vector<Seen> fields{};
};

}  // namespace wirespan::hpack::testing
