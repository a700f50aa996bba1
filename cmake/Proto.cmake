# OTLP's messages, generated from the .proto files of the opentelemetry-proto package; no copies in the tree.
# ws_proto_otlp: the protobuf classes (headers are heavy: include them in few .cc files).
find_package(Protobuf REQUIRED)
find_package(Threads REQUIRED)

# wirespan_proto(<target> <import root> <files relative to it>...)
function(wirespan_proto target root)
  set(out ${CMAKE_BINARY_DIR}/gen/${target})
  file(MAKE_DIRECTORY ${out})
  set(sources)
  foreach(file ${ARGN})
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND protobuf::protoc -I ${root} --cpp_out=${out} ${root}/${file}
      DEPENDS ${root}/${file} COMMENT "protoc ${file}")
    list(APPEND sources ${out}/${stem}.pb.cc)
  endforeach()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_compile_options(${target} PRIVATE -w)
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf)
endfunction()

set(WIRESPAN_OTLP_ROOT /usr/include CACHE PATH "Where opentelemetry/proto lies")
set(otlp opentelemetry/proto)
wirespan_proto(ws_proto_otlp ${WIRESPAN_OTLP_ROOT}
  ${otlp}/common/v1/common.proto ${otlp}/resource/v1/resource.proto
  ${otlp}/trace/v1/trace.proto ${otlp}/metrics/v1/metrics.proto ${otlp}/logs/v1/logs.proto
  ${otlp}/collector/trace/v1/trace_service.proto ${otlp}/collector/metrics/v1/metrics_service.proto
  ${otlp}/collector/logs/v1/logs_service.proto)
