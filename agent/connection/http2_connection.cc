#include "agent/connection/http2_connection.h"

#include <utility>

namespace wirespan::connection {
namespace {

// A guess is wrong after so many doubts: each loss of the boundary is one, so are bytes without a
// frame of a known type, and a header block that is no HPACK speaks loudest.
constexpr unsigned kMaxDoubts = 8;
constexpr unsigned kNoHpack = 4;
constexpr std::uint64_t kBytesPerDoubt = 64u << 10;

Direction Other(Direction direction) {
  return direction == Direction::kRead ? Direction::kWrite : Direction::kRead;
}

}  // namespace

Http2Connection::Http2Connection(Http2Context& context,
                                 const std::shared_ptr<const ConnectionInfo>& info, Start start)
    : context_(context),
      requests_(start.requests),
      certain_(start.certain),
      proven_(!start.guessed),
      pairing_(context, info, std::move(start.pairing)),
      flows_{Http2Flow(*this, context, Direction::kRead, start.begin[0]),
             Http2Flow(*this, context, Direction::kWrite, start.begin[1])} {
  if (requests_) TellPairing();
}

void Http2Connection::TellPairing() {
  pairing_.SetClient(*requests_ == Direction::kWrite);
  for (const Http2Flow& flow : flows_) {
    pairing_.SetLost(*HalfOf(flow.direction()), flow.lost(), flow.regained_ns());
  }
}

bool Http2Connection::Feed(Direction direction, protocol::Piece& piece) {
  if (!proven_) {
    frameless_bytes_ += piece.size();
    for (; frameless_bytes_ >= kBytesPerDoubt; frameless_bytes_ -= kBytesPerDoubt) Suspect(1);
  }
  flows_[static_cast<std::size_t>(direction)].Feed(piece);
  return true;
}

std::optional<Half> Http2Connection::HalfOf(Direction direction) const {
  if (!requests_) return std::nullopt;
  return direction == *requests_ ? Half::kRequest : Half::kResponse;
}

void Http2Connection::DecideRequests(Direction requests) {
  if (requests_ && *requests_ != requests) pairing_.Drop(ExchangeDrop::kDesynchronized);
  const bool news = requests_ != requests;
  requests_ = requests;
  certain_ = true;
  if (news) TellPairing();
}

void Http2Connection::OnBlock(Http2Flow& flow, const HeaderBlock& block, bool invalid) {
  const bool request = block.draft->has_request_pseudo();
  const bool response = block.draft->Has(hpack::Name::kStatus);
  if (request != response) {
    proven_ = true;
    if (!certain_) DecideRequests(request ? flow.direction() : Other(flow.direction()));
    flow.Trust(block.begin.ts_ns);
  } else if (invalid) {
    Suspect(kNoHpack);
  }
  const auto half = HalfOf(flow.direction());
  if (!half) return;
  if (*half == Half::kRequest) {
    pairing_.OnRequestBlock(block);
  } else {
    pairing_.OnResponseBlock(block);
  }
}

void Http2Connection::OnLost(const Http2Flow& flow, std::uint64_t now_ns) {
  Suspect(1);
  const auto half = HalfOf(flow.direction());
  if (!half) return;
  context_.ledger.Lost(*half == Half::kRequest ? HeadLoss::kRequest : HeadLoss::kResponse);
  pairing_.OnLost(*half, now_ns);
}

void Http2Connection::OnUnseen(std::uint32_t pid, std::uint64_t bytes) {
  context_.exchanges.coverage.Of(pid).unseen_bytes += bytes;
}

void Http2Connection::Suspect(unsigned weight) {
  if (proven_) return;
  doubts_ += weight;
  if (doubts_ >= kMaxDoubts) wrong_ = true;
}

void Http2Connection::AllowTable(const Http2Flow& by, std::size_t bytes) {
  flows_[static_cast<std::size_t>(Other(by.direction()))].AllowTable(bytes);
}

void Http2Connection::Tick(std::uint64_t now_ns, std::array<bool, 2> behind) {
  if (!requests_) return;
  const auto requests = static_cast<std::size_t>(*requests_);
  pairing_.Tick(now_ns, behind[requests], behind[1 - requests]);
}

void Http2Connection::EndDirection(Direction direction, std::uint64_t ts_ns, bool) {
  flows_[static_cast<std::size_t>(direction)].End();
  if (const auto half = HalfOf(direction)) pairing_.EndHalf(*half, ts_ns);
}

void Http2Connection::Finish(std::uint64_t ts_ns, bool) {
  for (Http2Flow& flow : flows_) flow.End();
  pairing_.Finish(ts_ns);
}

void Http2Connection::Adopt(const HandedConnection& handed) {
  DecideRequests(handed.requests);
  proven_ = true;
  for (Http2Flow& flow : flows_) {
    flow.Adopt(handed.tables[static_cast<std::size_t>(flow.direction())]);
  }
}

std::optional<HandedConnection> Http2Connection::Export() const {
  if (!requests_ || !certain_) return std::nullopt;
  HandedConnection out;
  out.requests = *requests_;
  bool any = false;
  for (const Http2Flow& flow : flows_) {
    if (auto table = flow.Export()) {
      out.tables[static_cast<std::size_t>(flow.direction())] = std::move(*table);
      any = true;
    }
  }
  if (!any) return std::nullopt;
  return out;
}

}  // namespace wirespan::connection
