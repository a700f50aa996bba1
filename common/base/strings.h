#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Small ASCII helpers. Nothing here looks at the locale. Views point into the argument.
namespace wirespan {

std::string_view TrimAscii(std::string_view text);  // spaces, tabs, CR, LF at both ends
// "a,,b" by ',' gives "a", "", "b"; "" gives one empty part.
std::vector<std::string_view> Split(std::string_view text, char separator);
// The same, each part trimmed, empty ones left out: lists in headers and environment variables.
std::vector<std::string_view> SplitList(std::string_view text, char separator = ',');

char AsciiLower(char c);
std::string AsciiLower(std::string_view text);
std::string AsciiUpper(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix);

// All of `text` in base 10, no sign, no spaces; nullopt otherwise or on overflow.
std::optional<std::uint64_t> ParseUint(std::string_view text);
std::optional<std::int64_t> ParseInt(std::string_view text);  // '-' allowed
// All of `text`, 0x-less base 16.
std::optional<std::uint64_t> ParseHex(std::string_view text);
// All of `text`, as strtod in the C locale reads it; no NaN or infinity.
std::optional<double> ParseDouble(std::string_view text);

std::string ToHex(std::string_view bytes);   // lower case
std::string Base64(std::string_view bytes);  // RFC 4648, padded

// The same text with every ill-formed UTF-8 sequence replaced by U+FFFD: protobuf, JSON and
// Prometheus refuse others.
std::string ToUtf8(std::string_view bytes);
bool IsUtf8(std::string_view bytes);
// At most `max_bytes`, cut at a code point's start.
std::string_view TruncateUtf8(std::string_view text, std::size_t max_bytes);

// How many insertions, deletions, replacements and swaps of neighbours turn a into b: "did you
// mean".
std::size_t EditDistance(std::string_view a, std::string_view b);
// The nearest of `candidates`, nullopt if none is near enough (about a third of its length) to be
// meant.
std::optional<std::string_view> Nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace wirespan
