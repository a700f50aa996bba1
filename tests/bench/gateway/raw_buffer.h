#pragma once

#include <grpc/byte_buffer.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>

// A gRPC message that is compressed already: the library sets the flag and the header and leaves
// the bytes alone. See gateway/sink/grpc_sender.cc.
namespace grpc::internal {
class GrpcByteBufferPeer {
 public:
  static void Set(ByteBuffer& buffer, grpc_byte_buffer* raw) { buffer.set_buffer(raw); }
};
}  // namespace grpc::internal

namespace wirespan::bench {

inline grpc::ByteBuffer RawBuffer(std::shared_ptr<const std::string> bytes,
                                  grpc_compression_algorithm algorithm) {
  auto* owner = new std::shared_ptr<const std::string>(std::move(bytes));
  grpc_slice slice = grpc_slice_new_with_user_data(
      const_cast<char*>((*owner)->data()), (*owner)->size(),
      [](void* held) { delete static_cast<std::shared_ptr<const std::string>*>(held); }, owner);
  grpc::ByteBuffer buffer;
  grpc::internal::GrpcByteBufferPeer::Set(
      buffer, algorithm == GRPC_COMPRESS_NONE
                  ? grpc_raw_byte_buffer_create(&slice, 1)
                  : grpc_raw_compressed_byte_buffer_create(&slice, 1, algorithm));
  grpc_slice_unref(slice);
  return buffer;
}

}  // namespace wirespan::bench
