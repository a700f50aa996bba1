#include "common/otlp/edit.h"

#include <array>
#include <string>

namespace wirespan::otlp {
namespace {

// The message that is being walked at one level, and how much of it has been written.
struct Frame {
  Field field{};                 // whose payload it is; level 0: none
  const char* copied = nullptr;  // up to here it is in the output, once open
  bool open = false;             // begun in the output
  std::size_t opened_at = 0;     // the output's size before it was begun
  Writer::Mark mark{};
  std::size_t kept = 0;     // children
  std::size_t dropped = 0;  // children
};

const char* End(std::string_view bytes) { return bytes.data() + bytes.size(); }

class Walker {
 public:
  Walker(Signal signal, MessageEditor& editor, Writer& out)
      : path_(PathOf(signal)), editor_(editor), out_(out) {}

  bool Run(std::string_view request) {
    frames_[0] = {};
    frames_[0].copied = request.data();
    if (!Children(0, request)) return false;
    if (frames_[0].open) Flush(0, End(request));
    return true;
  }
  bool changed() const { return frames_[0].open; }
  std::size_t dropped() const { return dropped_; }

 private:
  // Walks the children of the message at `level`.
  bool Children(std::size_t level, std::string_view message) {
    Reader reader(message);
    for (Field field; reader.Next(field);) {
      if (!path_.IsChild(level, field)) {
        if (path_.IsWrongType(level, field)) return false;
        continue;
      }
      const bool ok = level + 1 == path_.levels ? Item(level, field) : Nested(level, field);
      if (!ok) return false;
    }
    return reader.ok();
  }

  bool Nested(std::size_t level, const Field& field) {
    const std::size_t inner = level + 1;
    Frame& frame = frames_[inner];
    frame = {};
    frame.copied = field.bytes.data();
    frame.field = field;
    Verdict verdict = Verdict::kKeep;
    switch (level) {
      case 0:
        if (!Header(field.bytes, merged_resource_, place_.resource)) return false;
        scratch_.Clear();
        verdict = editor_.OnResource(place_.resource, scratch_);
        if (verdict == Verdict::kReplace) ReplaceHeader(inner);
        if (verdict != Verdict::kDrop && !editor_.wants_items()) return Leave(level);
        break;
      case 1:
        if (!Header(field.bytes, merged_scope_, place_.scope)) return false;
        break;
      case 2:
        place_.metric = field.bytes;
        verdict = editor_.OnMetric(place_, field.bytes);
        break;
      default:
        place_.point_field = field.number;
    }
    if (verdict == Verdict::kDrop) {
      if (!CountItems(inner, field.bytes)) return false;
      Remove(level, field);
      return true;
    }
    if (!Children(inner, field.bytes)) return false;
    if (frame.dropped == 0 || frame.kept > 0) return Leave(level);
    // Nothing is left of it: what was written of it goes, what stood before it stays.
    out_.Truncate(frame.opened_at);
    frames_[level].copied = End(field.encoded);
    ++frames_[level].dropped;
    return true;
  }

  // The header (Resource, scope) is field 1. Of several, protobuf reads the concatenation.
  static bool Header(std::string_view message, std::string& merged, std::string_view& header) {
    header = {};
    std::size_t found = 0;
    Reader reader(message);
    for (Field field; reader.Next(field);) {
      if (!field.Is(1, WireType::kBytes)) continue;
      if (++found == 1) {
        header = field.bytes;
        continue;
      }
      if (found == 2) merged.assign(header);
      merged.append(field.bytes);
      header = merged;
    }
    return reader.ok();
  }

  // The end of a message that stays.
  bool Leave(std::size_t level) {
    const Frame& frame = frames_[level + 1];
    ++frames_[level].kept;
    if (!frame.open) return true;
    Flush(level + 1, End(frame.field.bytes));
    out_.End(frame.mark);
    frames_[level].copied = End(frame.field.encoded);
    return true;
  }

  bool Item(std::size_t level, const Field& field) {
    scratch_.Clear();
    switch (editor_.OnItem(place_, field.bytes, scratch_)) {
      case Verdict::kKeep:
        ++frames_[level].kept;
        return true;
      case Verdict::kDrop:
        ++dropped_;
        Remove(level, field);
        return true;
      case Verdict::kReplace:
        break;
    }
    ++frames_[level].kept;
    Open(level);
    Flush(level, field.encoded.data());
    out_.Bytes(field.number, scratch_.view());
    frames_[level].copied = End(field.encoded);
    return true;
  }

  // Leaves a child of the message at `level` out.
  void Remove(std::size_t level, const Field& field) {
    ++frames_[level].dropped;
    Open(level);
    Flush(level, field.encoded.data());
    frames_[level].copied = End(field.encoded);
  }

  // scratch_ takes the place of all header fields of the message at `level`.
  void ReplaceHeader(std::size_t level) {
    Open(level);
    Reader reader(frames_[level].field.bytes);
    bool written = false;
    for (Field field; reader.Next(field);) {
      if (!field.Is(1, WireType::kBytes)) continue;
      Flush(level, field.encoded.data());
      if (!written) out_.Bytes(1, scratch_.view());
      written = true;
      frames_[level].copied = End(field.encoded);
    }
    if (!written) out_.Bytes(1, scratch_.view());
  }

  // Begins the messages down to `level` that are not begun yet, with what stands in front of the
  // child that is about to change.
  void Open(std::size_t level) {
    if (frames_[level].open) return;
    if (level > 0) {
      Open(level - 1);
      Flush(level - 1, frames_[level].field.encoded.data());
      frames_[level].opened_at = out_.size();
      frames_[level].mark =
          out_.Begin(frames_[level].field.number, frames_[level].field.bytes.size());
    }
    frames_[level].open = true;
  }

  void Flush(std::size_t level, const char* until) {
    Frame& frame = frames_[level];
    if (until > frame.copied) {
      out_.Raw({frame.copied, static_cast<std::size_t>(until - frame.copied)});
    }
    frame.copied = until;
  }

  bool CountItems(std::size_t level, std::string_view message) {
    Reader reader(message);
    for (Field field; reader.Next(field);) {
      if (!path_.IsChild(level, field)) continue;
      if (level + 1 == path_.levels) {
        ++dropped_;
      } else if (!CountItems(level + 1, field.bytes)) {
        return false;
      }
    }
    return reader.ok();
  }

  const Path& path_;
  MessageEditor& editor_;
  Writer& out_;
  Writer scratch_{};
  std::string merged_resource_{};
  std::string merged_scope_{};
  Place place_{};
  std::array<Frame, 5> frames_{};
  std::size_t dropped_ = 0;
};

}  // namespace

EditResult EditRequest(Signal signal, std::string_view request, MessageEditor& editor,
                       Writer& out) {
  out.Clear();
  Walker walker(signal, editor, out);
  EditResult result;
  result.ok = walker.Run(request);
  result.changed = result.ok && walker.changed();
  result.dropped = walker.dropped();
  if (!result.changed) out.Clear();
  return result;
}

}  // namespace wirespan::otlp
