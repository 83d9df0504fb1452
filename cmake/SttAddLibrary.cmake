# stt_keep_apart(<file>...)
#
# Sources of the current folder that define a name which another source of their target defines
# too: each is compiled by itself where the rest go together (CMAKE_UNITY_BUILD).
function(stt_keep_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# stt_add_library(<folder> SOURCES <file>... [DEPS <folder>...] [LIBRARIES <target>...])
#
# One folder of src/ is one library. DEPS names every other folder whose headers it may
# include; scripts/check_layers.py holds the #includes to that list. LIBRARIES are foreign.
function(stt_add_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LIBRARIES")
  string(REPLACE "/" "_" name "${folder}")
  list(TRANSFORM arg_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/src/${folder}/")
  list(TRANSFORM arg_DEPS REPLACE "/" "_")
  list(TRANSFORM arg_DEPS PREPEND "stt_")

  add_library(stt_${name} OBJECT ${arg_SOURCES})
  target_link_libraries(stt_${name} PUBLIC stt_build_flags ${arg_DEPS} ${arg_LIBRARIES})
  target_include_directories(stt_${name} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>")
  set_property(GLOBAL APPEND PROPERTY STT_OBJECT_LIBRARIES stt_${name})
endfunction()

# stt_add_unit_test(<name> SOURCES <file>... [DEPS <target>...] [LABELS <label>...])
#
# One executable of doctest cases under tests/, linked with the whole library.
function(stt_add_unit_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LABELS")
  if(NOT TARGET stt_test_main)
    # doctest's own code takes long to compile: once for all programs.
    add_library(stt_test_main OBJECT "${PROJECT_SOURCE_DIR}/tests/unit/main.cpp")
    target_link_libraries(stt_test_main PRIVATE stt_build_flags stt_test_flags)
  endif()
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:stt_test_main>)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE stt stt_build_flags ${arg_DEPS} stt_test_flags)
  target_compile_definitions(${name} PRIVATE DOCTEST_CONFIG_SUPER_FAST_ASSERTS)
  if("unit" IN_LIST arg_LABELS)
    # The compiler spends most of its time on the assertions, and they run once. Not so in a
    # simulation: the linker takes templates that library and test share from the test.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(arg_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
  endif()
endfunction()
