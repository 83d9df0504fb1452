# stt_embed_page(<target> <folder>)
#
# Puts the files of a built page into a program: the source that it adds to the target defines
# built_in_assets(), of cli/web/page_assets.hpp. Without the folder there are none.
function(stt_embed_page target folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS "${folder}/*")
  list(SORT files)
  set(contents "")
  set(symbols "")
  set(table "")
  set(number 0)
  foreach(file ${files})
    file(RELATIVE_PATH name "${folder}" "${file}")
    if(NOT name MATCHES "^[A-Za-z0-9_-][A-Za-z0-9._/-]*$")
      message(FATAL_ERROR "a file of the page has a name that cannot be served: ${name}")
    endif()
    # A byte behind each, so that an empty file has an address of its own.
    string(APPEND contents
      "asm(R\"(.pushsection .rodata\n"
      ".global stt_asset_${number}\nstt_asset_${number}:\n.incbin \"${file}\"\n"
      ".global stt_asset_${number}_end\nstt_asset_${number}_end:\n.byte 0\n.popsection)\");\n")
    string(APPEND symbols
      "extern \"C\" const char stt_asset_${number}[];\n"
      "extern \"C\" const char stt_asset_${number}_end[];\n")
    string(APPEND table
      "        {\"${name}\", {stt_asset_${number}, stt_asset_${number}_end}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/built_in_assets.cpp")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
#include <vector>

#include "web/page_assets.hpp"

@contents@@symbols@
std::span<const stt::cli::Asset> stt::cli::built_in_assets() {
    static const std::vector<Asset> assets{
@table@    };
    return assets;
}
]])
  target_sources(${target} PRIVATE "${source}")
  # The compiler does not tell what the assembler reads.
  set_source_files_properties("${source}" PROPERTIES
    OBJECT_DEPENDS "${files}" SKIP_UNITY_BUILD_INCLUSION ON
    INCLUDE_DIRECTORIES "${CMAKE_CURRENT_SOURCE_DIR}")
  if(files)
    message(STATUS "The page of stt web: ${number} files of ${folder}")
  else()
    message(STATUS "The page of stt web: none; scripts/build-web makes it")
  endif()
endfunction()
