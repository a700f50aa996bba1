#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// JSON (RFC 8259) read in pieces, as a watch brings it: never a tree, never more than one text in
// memory. An API server's answer of any size costs what is asked of it.
namespace wirespan::kube {

// What the scanner meets, in the order of the text. Views last for the call.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual void OnObject() = 0;
  virtual void OnArray() = 0;
  virtual void OnEnd() = 0;  // of the innermost object or array
  virtual void OnKey(std::string_view key, bool cut) = 0;
  // A string without its quotes and escapes; a number, true or false as written; null as empty.
  // `cut`: the text was longer than the bound.
  virtual void OnValue(std::string_view text, bool cut) = 0;
};

// Any number of documents one after the other. What is no JSON, or too deep, ends it: Feed answers
// false from then on. An unpaired surrogate gives U+FFFD; bytes that are no UTF-8 pass as they are.
class JsonScanner {
 public:
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxTextBytes = 4096;

  explicit JsonScanner(JsonEvents& events) : events_(events) { text_.reserve(256); }

  bool Feed(std::string_view piece);
  // Nothing is begun: every document so far is whole. A number at the very end is complete only
  // with a byte behind it, but no document of an API server is a number.
  bool between_documents() const { return stack_.empty() && state_ == State::kValue; }
  bool failed() const { return state_ == State::kFailed; }
  // The handler's word: texts from here on are wanted or not. Unwanted ones are checked, not kept,
  // and given as empty.
  void Collect(bool wanted) { collect_ = wanted; }

 private:
  enum class State : std::uint8_t {
    kValue,
    kFirstValueOrEnd,  // behind '['
    kFirstKeyOrEnd,    // behind '{'
    kKey,              // behind ',' in an object
    kColon,
    kCommaOrEnd,
    kString,
    kEscape,
    kHex,
    kBare,  // a number, true, false, null
    kFailed,
  };

  bool Step(char c);
  bool BeginValue(char c);
  bool Close(char c);
  bool EndBare();
  bool EndString();
  bool EndHex();
  void Append(std::string_view bytes);
  void AppendCodePoint(std::uint32_t code);
  void FlushSurrogate();
  State AfterValue() const { return stack_.empty() ? State::kValue : State::kCommaOrEnd; }
  bool Fail() {
    state_ = State::kFailed;
    return false;
  }

  JsonEvents& events_;
  State state_ = State::kValue;
  bool collect_ = true;
  bool is_key_ = false;
  bool cut_ = false;
  std::uint8_t hex_digits_ = 0;
  std::uint32_t hex_ = 0;
  std::uint32_t high_surrogate_ = 0;
  std::string text_{};
  std::vector<char> stack_{};  // '{' and '['
};

}  // namespace wirespan::kube
