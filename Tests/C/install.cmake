# Installs into a fresh prefix, then builds and runs Examples/c against it, once by find_package and once by pkg-config.
set(prefix ${BUILD}/install-test)
file(REMOVE_RECURSE ${prefix} ${BUILD}/install-example)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/Examples/c -B ${BUILD}/install-example -G ${GENERATOR}
  -DCMAKE_C_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${prefix} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD}/install-example OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${BUILD}/install-example/hello OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
if(NOT output MATCHES "tensor\\(\\[\\[3\\.5000, 3\\.5000, 3\\.5000\\]")
  message(FATAL_ERROR "the example printed: ${output}")
endif()

if(EXISTS ${BUILD}/install-example/train)
  execute_process(COMMAND ${BUILD}/install-example/train OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  if(NOT output MATCHES "step 1000  loss 0\\.000")
    message(FATAL_ERROR "the training example printed: ${output}")
  endif()
endif()

file(GLOB_RECURSE pc ${prefix}/*/apus.pc)
get_filename_component(pc_dir ${pc} DIRECTORY)
set(ENV{PKG_CONFIG_PATH} ${pc_dir})
execute_process(COMMAND pkg-config --cflags --libs apus OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags)
execute_process(COMMAND ${COMPILER} ${SOURCE}/Examples/c/hello.c -o ${BUILD}/install-example/hello-pc ${flags}
  COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE train_pc ${prefix}/*/apus-train.pc)
if(train_pc)
  execute_process(COMMAND pkg-config --cflags --libs apus-train OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags)
  execute_process(COMMAND ${COMPILER} ${SOURCE}/Examples/c/train.c -o ${BUILD}/install-example/train-pc ${flags}
    COMMAND_ERROR_IS_FATAL ANY)
endif()
