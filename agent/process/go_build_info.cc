#include "agent/process/go_build_info.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxSections = 256;
constexpr std::size_t kMaxNamesBytes = 64 << 10;
constexpr std::size_t kMaxInfoBytes = 1 << 20;
constexpr std::string_view kMagic = "\xff Go buildinf:";
constexpr std::size_t kHeaderBytes = 32;

template <class T>
std::optional<T> ReadStruct(const ReadAt& read, std::uint64_t offset) {
  const std::string bytes = read(offset, sizeof(T));
  if (bytes.size() != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// A length as a varint, then the bytes.
std::optional<std::string_view> TakeString(std::string_view& text) {
  std::uint64_t length = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (text.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    length |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (length > text.size()) return std::nullopt;
      const std::string_view out = text.substr(0, length);
      text.remove_prefix(length);
      return out;
    }
  }
  return std::nullopt;
}

template <class Predicate>
bool AnyModule(const GoBuildInfo& info, Predicate matches) {
  for (std::string_view rest = info.modules; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line.starts_with("dep\t")) continue;
    line.remove_prefix(4);
    if (matches(line.substr(0, line.find('\t')))) return true;
  }
  return false;
}

}  // namespace

std::optional<GoBuildInfo> ParseGoBuildInfo(std::string_view section) {
  constexpr unsigned char kInline =
      2;  // strings follow; without it there are pointers into the program
  if (section.size() < kHeaderBytes || !section.starts_with(kMagic)) return std::nullopt;
  if ((static_cast<unsigned char>(section[15]) & kInline) == 0) return std::nullopt;
  section.remove_prefix(kHeaderBytes);
  const auto version = TakeString(section);
  if (!version) return std::nullopt;
  GoBuildInfo info;
  info.version = version->substr(0, 64);
  // The modules stand between two marks of 16 bytes.
  if (const auto modules = TakeString(section); modules && modules->size() >= 33)
    info.modules = modules->substr(16, modules->size() - 32);
  return info;
}

std::optional<GoBuildInfo> ReadGoBuildInfo(const ReadAt& read) {
  const auto header = ReadStruct<Elf64_Ehdr>(read, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > kMaxSections ||
      header->e_shstrndx >= header->e_shnum)
    return std::nullopt;
  const std::string table = read(header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr));
  if (table.size() != header->e_shnum * sizeof(Elf64_Shdr)) return std::nullopt;
  const auto section = [&](std::size_t index) {
    Elf64_Shdr out;
    std::memcpy(&out, table.data() + index * sizeof(Elf64_Shdr), sizeof out);
    return out;
  };
  const Elf64_Shdr names_section = section(header->e_shstrndx);
  const std::string names =
      read(names_section.sh_offset, std::min<std::uint64_t>(names_section.sh_size, kMaxNamesBytes));
  for (std::size_t index = 0; index < header->e_shnum; ++index) {
    const Elf64_Shdr candidate = section(index);
    if (candidate.sh_name >= names.size() || candidate.sh_type == SHT_NOBITS) continue;
    const std::string_view name = std::string_view(names).substr(
        candidate.sh_name, names.find('\0', candidate.sh_name) - candidate.sh_name);
    if (name != ".go.buildinfo") continue;
    return ParseGoBuildInfo(
        read(candidate.sh_offset, std::min<std::uint64_t>(candidate.sh_size, kMaxInfoBytes)));
  }
  return std::nullopt;
}

bool HasModule(const GoBuildInfo& info, std::string_view module) {
  return AnyModule(info, [&](std::string_view name) { return name == module; });
}

bool HasModuleUnder(const GoBuildInfo& info, std::string_view prefix) {
  return AnyModule(info, [&](std::string_view name) { return name.starts_with(prefix); });
}

}  // namespace wirespan::process
