# Installs the built project into a folder of its own, then builds and runs a program
# that knows nothing but that folder.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(prefix "${WORK_FOLDER}/prefix")
file(REMOVE_RECURSE "${WORK_FOLDER}")
run("${CMAKE_COMMAND}" --install "${BUILD_FOLDER}" --prefix "${prefix}")
file(GLOB_RECURSE licenses "${prefix}/*/LICENSE")
if(NOT licenses)
  message(FATAL_ERROR "the license was not installed")
endif()

run("${CMAKE_COMMAND}" -S "${CONSUMER_FOLDER}" -B "${WORK_FOLDER}/build" -G "${GENERATOR}"
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${prefix}" "-DSTT_VERSION=${VERSION}"
  -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run("${CMAKE_COMMAND}" --build "${WORK_FOLDER}/build")
run("${WORK_FOLDER}/build/consumer")
