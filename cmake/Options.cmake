# Compiler settings that hold for every target, and the switches that CMakePresets.json sets.

option(WIRESPAN_TESTS "Build the tests" ON)
option(WIRESPAN_FUZZ "Build the fuzz targets with libFuzzer (clang only)" OFF)
option(WIRESPAN_COVERAGE "Count executed lines" OFF)
set(WIRESPAN_BINARIES "${CMAKE_SOURCE_DIR}/build/bin" CACHE PATH "Where release binaries go")
set(WIRESPAN_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the tree, so that two checkouts and two build folders share what they compile.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_compile_options(-Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-designated-field-initializers>) # libbpf's option macros
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-deprecated-declarations>) # in libstdc++ 12's own std::stable_sort
endif()
include_directories(${CMAKE_SOURCE_DIR})

if(WIRESPAN_SANITIZE)
  add_compile_options(-fsanitize=${WIRESPAN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WIRESPAN_SANITIZE})
  if(WIRESPAN_SANITIZE MATCHES thread)
    # TSan knows no fences; Asio does without them too.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
if(WIRESPAN_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
if(WIRESPAN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
                      -D_GLIBCXX_ASSERTIONS)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    add_compile_options(-fcf-protection)
  endif()
  add_link_options(-pie -s -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${WIRESPAN_BINARIES})
else()
  find_program(MOLD mold)
  if(MOLD AND NOT WIRESPAN_FUZZ)
    add_link_options(-fuse-ld=mold)
  endif()
endif()
