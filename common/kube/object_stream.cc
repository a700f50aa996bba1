#include "common/kube/object_stream.h"

namespace wirespan::kube {

ObjectStream::ObjectStream(const Projection& projection, std::string_view each,
                           std::function<bool(Object&)> on_object)
    : projection_(projection), each_(projection.NodeAt(each)), on_object_(std::move(on_object)) {}

bool ObjectStream::Feed(std::string_view piece) {
  if (stopped_) return false;
  return scanner_.Feed(piece) && !stopped_;
}

// The node of the value that begins now.
int ObjectStream::NodeOfValue() {
  if (levels_.empty()) return 0;
  Level& level = levels_.back();
  return level.list ? projection_.Element(level.node) : member_;
}

void ObjectStream::Enter(bool list) {
  const int node = unwanted_depth_ == 0 ? NodeOfValue() : Projection::kNothing;
  if (node == Projection::kNothing) {
    ++unwanted_depth_;
    scanner_.Collect(false);
    return;
  }
  Level level{.node = node, .list = list};
  if (!list && !levels_.empty()) level.item = levels_.back().item;
  if (!list && node == each_) {
    level.given_out = inside_ = true;
    object_.Clear();
  }
  levels_.push_back(level);
}

void ObjectStream::OnEnd() {
  if (unwanted_depth_ > 0) {
    --unwanted_depth_;
  } else {
    if (levels_.back().given_out) {
      inside_ = false;
      if (!stopped_ && !on_object_(object_)) stopped_ = true;
    }
    levels_.pop_back();
    if (levels_.empty()) ++documents_;
  }
  if (unwanted_depth_ > 0) return;
  scanner_.Collect(true);
  if (!levels_.empty() && levels_.back().list) ++levels_.back().item;
}

void ObjectStream::OnKey(std::string_view key, bool cut) {
  if (unwanted_depth_ > 0) return;
  member_ = cut ? Projection::kNothing : projection_.Named(levels_.back().node, key);
  const bool wanted = member_ != Projection::kNothing;
  if (wanted && projection_.by_key(member_)) key_ = key;
  scanner_.Collect(wanted);
}

void ObjectStream::OnValue(std::string_view text, bool cut) {
  if (unwanted_depth_ > 0) return;
  const int node = NodeOfValue();
  const int path = node == Projection::kNothing ? Projection::kNothing : projection_.path(node);
  const std::uint32_t item = levels_.empty() ? 0 : levels_.back().item;
  scanner_.Collect(true);
  if (!levels_.empty() && levels_.back().list) ++levels_.back().item;
  if (path == Projection::kNothing) return;
  Object& object = inside_ ? object_ : head_;
  const std::string key = projection_.by_key(node) ? key_ : std::string();
  const std::size_t bytes = sizeof(Field) + key.size() + text.size();
  if (object.fields.size() >= Object::kMaxFields || object.bytes + bytes > Object::kMaxBytes) {
    object.cut = true;
    return;
  }
  object.bytes += bytes;
  object.fields.push_back({.path = static_cast<std::size_t>(path),
                           .item = item,
                           .cut = cut,
                           .key = key,
                           .value = std::string(text)});
}

}  // namespace wirespan::kube
