#include "agent/connection/http2_context.h"

#include <memory>
#include <utility>

namespace wirespan::connection {
namespace {
constexpr std::size_t kMaxFree = 1024;
}  // namespace

Http2Context::~Http2Context() {
  while (free_streams_ != nullptr) delete std::exchange(free_streams_, free_streams_->next);
  delete free_draft_;
}

Http2Stream* Http2Context::AcquireStream() {
  Http2Stream* stream = free_streams_;
  if (stream == nullptr) return new Http2Stream;
  free_streams_ = stream->next;
  --free_count_;
  std::destroy_at(stream);
  return std::construct_at(stream);
}

void Http2Context::ReleaseStream(Http2Stream* stream) {
  if (free_count_ >= kMaxFree) {
    delete stream;
    return;
  }
  if (stream->key == 0) stream->exchange = {};  // nobody took its texts
  stream->next = free_streams_;
  free_streams_ = stream;
  ++free_count_;
}

HeaderDraft* Http2Context::AcquireDraft() {
  HeaderDraft* draft = std::exchange(free_draft_, nullptr);
  return draft != nullptr ? draft : new HeaderDraft;
}

// Mostly one block at a time is under way.
void Http2Context::ReleaseDraft(HeaderDraft* draft) {
  if (free_draft_ != nullptr) {
    delete draft;
  } else {
    free_draft_ = draft;
  }
}

}  // namespace wirespan::connection
