#pragma once

#include <string>
#include <string_view>

// The Huffman code of HPACK (RFC 7541, 5.2 and appendix B).
namespace wirespan::hpack {

// Writes the decoded text to `out`, replacing what is there; at most 8/5 of `input`. False (and
// `out` is of no use): the end-of-string symbol, or padding that is longer than 7 bits or not all
// ones.
bool DecodeHuffman(std::string_view input, std::string& out);

}  // namespace wirespan::hpack
