#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>

// What the server and the client share. ../truth.md says what they log and how they are told what
// to do.

using Clock = std::chrono::steady_clock;

inline double Ms(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

// Words "name=value".
class Fields {
 public:
  Fields(const std::string& text, char between) {
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, between);) {
      if (const auto equals = word.find('='); equals != std::string::npos) {
        all_[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
  }
  std::string text(const std::string& name) const {
    const auto found = all_.find(name);
    return found == all_.end() ? "" : found->second;
  }
  int number(const std::string& name, int otherwise = 0) const {
    const std::string value = text(name);
    return value.empty() ? otherwise : std::atoi(value.c_str());
  }
  std::chrono::milliseconds ms(const std::string& name) const {
    return std::chrono::milliseconds(number(name));
  }

 private:
  std::map<std::string, std::string> all_;
};

// Those behind PORT and LOG on the command line.
inline Fields Options(int argc, char** argv) {
  std::string words;
  for (int i = 3; i < argc; ++i) words += std::string(argv[i]) + ' ';
  return Fields(words, ' ');
}

struct Tally {
  std::size_t received_messages = 0, received_bytes = 0, sent_messages = 0, sent_bytes = 0;

  void Received(const grpc::ByteBuffer& message) {
    ++received_messages;
    received_bytes += message.Length();
  }
  void Sent(const grpc::ByteBuffer& message) {
    ++sent_messages;
    sent_bytes += message.Length();
  }
};

inline grpc::ByteBuffer Zeros(std::size_t bytes) {
  const grpc::Slice slice(std::string(bytes, '\0'));
  return grpc::ByteBuffer(&slice, 1);
}

// One JSON object a line.
class TruthLog {
 public:
  explicit TruthLog(const char* path) : file_(path) {}

  void Write(const std::string& id, const std::string& method, int status, double ms,
             const Tally& tally, const std::string& more = "") {
    const std::lock_guard lock(mutex_);
    file_ << "{\"id\":" << Quoted(id) << ",\"method\":" << Quoted(method)
          << ",\"status\":" << status << ",\"ms\":" << ms
          << ",\"received_messages\":" << tally.received_messages
          << ",\"received_bytes\":" << tally.received_bytes
          << ",\"sent_messages\":" << tally.sent_messages << ",\"sent_bytes\":" << tally.sent_bytes
          << more << "}" << std::endl;
  }

  static std::string Quoted(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') quoted += '\\';
      if (static_cast<unsigned char>(c) >= ' ') quoted += c;
    }
    return quoted + '"';
  }

 private:
  std::mutex mutex_;  // guards file_
  std::ofstream file_;
};
