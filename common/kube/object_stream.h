#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kube/json_scanner.h"
#include "common/kube/projection.h"

namespace wirespan::kube {

// Objects out of a body that comes in pieces, one in memory at a time.
class ObjectStream final : private JsonEvents {
 public:
  // `each`: the path whose objects are given out ("items[]" of a list; "" for a body that is one
  // object after the other, as a watch is). `on_object` may move the object's parts away; false
  // ends the reading. `projection` outlives the stream.
  ObjectStream(const Projection& projection, std::string_view each,
               std::function<bool(Object&)> on_object);

  // False: the body is no JSON, or on_object wanted no more.
  bool Feed(std::string_view piece);
  bool stopped() const { return stopped_; }  // by on_object
  // All that was begun has ended.
  bool whole() const { return !scanner_.failed() && !stopped_ && scanner_.between_documents(); }
  std::uint64_t documents() const { return documents_; }
  // Wanted fields outside of `each`.
  const Object& head() const { return head_; }

 private:
  struct Level {
    int node = Projection::kNothing;
    std::uint32_t item = 0;  // lists: of the element to come; objects: as in the list around them
    bool list = false;
    bool given_out = false;  // an object of `each`
  };

  void OnObject() override { Enter(false); }
  void OnArray() override { Enter(true); }
  void OnEnd() override;
  void OnKey(std::string_view key, bool cut) override;
  void OnValue(std::string_view text, bool cut) override;

  void Enter(bool list);
  int NodeOfValue();

  const Projection& projection_;
  const int each_;
  std::function<bool(Object&)> on_object_;
  JsonScanner scanner_{*this};
  std::vector<Level> levels_{};     // those that somebody wants something of
  std::size_t unwanted_depth_ = 0;  // levels below the last of them
  int member_ = Projection::kNothing;
  std::string key_{};
  bool inside_ = false;  // of an object of `each`
  bool stopped_ = false;
  std::uint64_t documents_ = 0;
  Object object_{};
  Object head_{};
};

}  // namespace wirespan::kube
