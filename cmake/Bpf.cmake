# BPF objects: bpf/probe/<name>.bpf.c -> <name>.bpf.o (stripped of DWARF, BTF stays) -> <name>.skel.h.
find_program(BPF_CLANG NAMES clang-19 REQUIRED)
find_program(BPF_STRIP NAMES llvm-strip-19 REQUIRED)
find_program(BPFTOOL NAMES bpftool HINTS /usr/sbin /usr/local/sbin REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(WIRESPAN_BPF_ARCH arm64)
else()
  set(WIRESPAN_BPF_ARCH x86)
endif()
set(WIRESPAN_BPF_FLAGS -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter
    -I${CMAKE_SOURCE_DIR} -idirafter ${CMAKE_SYSROOT}/usr/include/${CMAKE_LIBRARY_ARCHITECTURE})

# Compiles one probe; sets <result> in the caller to the object's path.
function(wirespan_bpf_object name arch result)
  set(source ${CMAKE_SOURCE_DIR}/bpf/probe/${name}.bpf.c)
  set(object ${CMAKE_BINARY_DIR}/gen/bpf/${arch}/${name}.bpf.o)
  get_filename_component(folder ${object} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${BPF_CLANG} ${WIRESPAN_BPF_FLAGS} -D__TARGET_ARCH_${arch} -MD -MF ${object}.d -MT ${object}
            -c ${source} -o ${object}
    COMMAND ${BPF_STRIP} -g ${object}
    DEPENDS ${source} DEPFILE ${object}.d COMMENT "bpf ${arch} ${name}" VERBATIM)
  set(${result} ${object} PARENT_SCOPE)
endfunction()

# wirespan_bpf(<target> <probe>...): an interface library with <probe>.skel.h on its include path and libbpf behind it.
# Also <target>_arm64 and <target>_x86, which compile the same probes for both architectures.
function(wirespan_bpf target)
  set(skeletons)
  foreach(arch x86 arm64)
    set(objects)
    foreach(name ${ARGN})
      wirespan_bpf_object(${name} ${arch} object)
      list(APPEND objects ${object})
      if(arch STREQUAL WIRESPAN_BPF_ARCH)
        set(skeleton ${CMAKE_BINARY_DIR}/gen/bpf/include/${name}.skel.h)
        file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/gen/bpf/include)
        add_custom_command(
          OUTPUT ${skeleton}
          COMMAND ${BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}
          DEPENDS ${object} COMMENT "bpf skeleton ${name}" VERBATIM)
        list(APPEND skeletons ${skeleton})
      endif()
    endforeach()
    # Part of every build: what does not compile for the other architecture should not wait for its machine.
    add_custom_target(${target}_${arch} ALL DEPENDS ${objects})
  endforeach()
  add_custom_target(${target}_skeletons DEPENDS ${skeletons})

  find_library(WIRESPAN_LIBBPF NAMES libbpf.a bpf REQUIRED)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/gen/bpf/include)
  target_link_libraries(${target} INTERFACE ${WIRESPAN_LIBBPF} elf z)
  add_dependencies(${target} ${target}_skeletons)
endfunction()
