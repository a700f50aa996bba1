#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"
#include "common/queue/disk.h"
#include "common/queue/segment.h"

namespace wirespan::queue {

struct DurableOptions {
  std::uint64_t segment_bytes = 64u << 20;  // a new file is begun beyond this
  std::uint64_t max_disk_bytes = 0;         // of all files; 0: as many as the disk has
  std::uint64_t keep_bytes = 32u << 20;     // of payloads kept in memory to spare reading them back
  std::uint64_t group_bytes = 8u << 20;     // written and synced together, at most (about)
  bool sync = true;                         // false: what the kernel holds is lost with the power
};

// What a queue holds: written and not acknowledged, handed out or not.
struct Held {
  std::uint64_t records = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;  // of payloads
};

struct DurableCounts {
  std::uint64_t damaged_records = 0;  // torn or flipped: skipped
  std::uint64_t syncs = 0;
  std::uint64_t failed_writes = 0;  // groups that the disk refused
  std::uint64_t disk_bytes = 0;     // of all files, now
};

// First in, first out, on disk. A record is held from the moment its `done` says so until its Ack,
// through kill -9 and (with sync) power loss. Records come back after a restart if their Ack did
// not reach the disk: delivery is at least once. Thread-safe.
//
// One thread writes: it takes all that came while it was busy, writes it with one system call and
// syncs it once (group commit).
class DurableQueue {
 public:
  struct Record {
    std::uint64_t seq = 0;
    std::uint32_t items = 0;
    std::uint64_t payload_bytes = 0;
    bool earlier_life = false;  // written before the queue was opened
    std::string meta{};
    std::string payload{};               // empty if `kept`
    std::shared_ptr<const void> kept{};  // what Append was given, while memory lasts
  };
  using Done = std::function<void(Result<>)>;

  // kUnsupported: a file is of a newer version; nothing has been touched then.
  static Result<std::unique_ptr<DurableQueue>> Open(std::unique_ptr<Disk> disk,
                                                    DurableOptions options);
  ~DurableQueue();  // Close()

  // Takes a record; the views stay valid until `done`, which is called once, on the writer's thread
  // or (refused) before it returns. kResourceExhausted: no room on the disk, nothing was kept.
  // `keep` comes back from Next as long as memory lasts. At most 64 KiB - 1 of meta.
  void Append(std::string meta, std::vector<std::string_view> payload, std::uint32_t items,
              std::shared_ptr<const void> keep, Done done);

  // The oldest that was not handed out in this life of the process; nullopt: none is there yet.
  // Damage on the way is counted.
  std::optional<Record> Next();
  // The oldest that Next has not handed out is gone for good, acknowledged or not: returned without
  // its payload.
  std::optional<Record> DropOldest();

  // Delivered, or dropped and counted by the caller: it never comes back. Once for each record,
  // with the values that Next gave.
  void Ack(std::uint64_t seq, std::uint32_t items, std::uint64_t payload_bytes);

  // Writes what was taken, ends the files properly. What is not acknowledged stays.
  void Close();

  Held held() const;
  DurableCounts counts() const;

 private:
  struct Segment {
    std::string name{};  // without ".seg"
    std::uint64_t first_seq = 0;
    std::shared_ptr<DiskFile> file{};  // of an earlier life: opened when it is read
    std::shared_ptr<DiskFile> acks{};  // opened with the first one
    std::uint64_t acks_size = 0;
    std::uint64_t end = 0;  // bytes that may be read
    bool sealed = false;    // nothing more will be written
    bool earlier_life = false;
    bool left_by_footer = false;  // `left` counts what can't be read too
    bool read_to_end = false;
    std::uint64_t outstanding = 0;    // handed out, not acknowledged
    Held left{};                      // of what is held
    std::set<std::uint64_t> acked{};  // in an earlier life
    FooterCounts written{};
  };
  struct Pending {
    std::string meta{};
    std::vector<std::string_view> payload{};
    RecordHeader header{};
    std::shared_ptr<const void> keep{};
    Done done{};
  };
  struct Cursor {
    std::shared_ptr<Segment> segment{};
    std::unique_ptr<SegmentScanner> scanner{};
  };
  using Group = std::vector<Pending>;

  DurableQueue(std::unique_ptr<Disk> disk, DurableOptions options)
      : disk_(std::move(disk)), options_(options) {}

  Result<> Recover();
  Result<std::shared_ptr<Segment>> RecoverSegment(std::uint64_t first_seq, bool has_acks);
  void Run();
  void Commit(Group group);
  Result<> WriteGroup(Segment& segment, Group& group, std::uint64_t& end);
  Result<std::shared_ptr<Segment>> SegmentForWriting();
  void Seal(Segment& segment);
  std::optional<Record> Take(bool with_payload);  // read_mutex_ held
  std::shared_ptr<Segment> SegmentToRead();       // read_mutex_ held
  void CountDamage(Segment& segment, const Found& found);
  void RemoveIfDone(const std::shared_ptr<Segment>& segment);
  void Remove(const std::shared_ptr<Segment>& segment);

  const std::unique_ptr<Disk> disk_;
  const DurableOptions options_;

  std::mutex read_mutex_;  // guards cursor_; taken before mutex_
  Cursor cursor_{};

  mutable std::mutex mutex_;  // guards all that follows, and the segments' values
  std::condition_variable changed_;
  std::map<std::uint64_t, std::shared_ptr<Segment>> segments_{};  // by first_seq
  std::shared_ptr<Segment> active_{};                             // written to
  std::uint64_t next_seq_ = 1;                                    // of the writer's thread alone
  std::deque<Pending> pending_{};
  std::uint64_t pending_bytes_ = 0;  // on disk, once written
  bool writing_ = false;
  bool closed_ = false;
  Held held_{};
  DurableCounts counts_{};
  std::unordered_map<std::uint64_t, std::shared_ptr<const void>> kept_{};
  std::uint64_t kept_bytes_ = 0;

  std::thread writer_;
};

}  // namespace wirespan::queue
