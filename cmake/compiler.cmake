# Flags that every target shares. Warnings are errors in every build: a warning that may stay is
# switched off here, once, with its reason.
add_library(tidegate_flags INTERFACE)
target_compile_options(tidegate_flags INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  -fno-omit-frame-pointer)
# Positional designated initialisers are how option structs are written here.
target_compile_options(tidegate_flags INTERFACE -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports uninitialised reads inside std::expected and std::string that do not exist.
  target_compile_options(tidegate_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 uses a function of its own that it calls deprecated, in std::stable_sort.
  target_compile_options(tidegate_flags INTERFACE -Wno-deprecated-declarations)
endif()
target_compile_definitions(tidegate_flags INTERFACE TIDEGATE_VERSION="${PROJECT_VERSION}")

if(TIDEGATE_SANITIZE)
  target_compile_options(tidegate_flags INTERFACE -fsanitize=${TIDEGATE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tidegate_flags INTERFACE -fsanitize=${TIDEGATE_SANITIZE})
  # It opens a pipe to learn whether an object's memory is readable: in a process that is out of
  # descriptors, as one of the tests is, every object then looks broken.
  target_compile_options(tidegate_flags INTERFACE -fno-sanitize=vptr)
endif()
if(TIDEGATE_FUZZ)
  target_compile_options(tidegate_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_compile_definitions(tidegate_flags INTERFACE FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()
