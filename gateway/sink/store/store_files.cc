#include "gateway/sink/store/store_files.h"

#include "gateway/sink/store/block_format.h"
#include "gateway/sink/store/block_reader.h"

namespace wirespan::gateway::store {

Result<StoreFiles> ListStoreFiles(const queue::Disk& disk) {
  auto names = disk.List();
  if (!names) return tl::unexpected(names.error());
  StoreFiles files;
  for (const std::string& name : *names) {
    std::uint64_t number = 0;
    rates::LogRange logs;
    if (ParseFileName(name, kBlockSuffix, number)) files.blocks.insert(number);
    if (ParseFileName(name, kLogSuffix, number)) files.logs.insert(number);
    if (rates::ParseRatesFileName(name, logs)) files.rates.insert(logs);
  }
  return files;
}

Result<> LeaveOutUnfinished(queue::Disk& disk, StoreFiles& files) {
  for (const std::uint64_t number : std::set<std::uint64_t>(files.logs)) {
    if (files.blocks.contains(number)) {
      auto block = disk.Open(FileName(number, kBlockSuffix));
      if (!block) return tl::unexpected(block.error());
      const bool whole = BlockReader::Complete(**block);
      (whole ? files.logs : files.blocks).erase(number);
    }
    // Rates of a log are made anew with its block.
    if (files.logs.contains(number)) files.rates.erase({number, number});
  }
  return {};
}

}  // namespace wirespan::gateway::store
