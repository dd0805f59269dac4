# Compiles an example of another language against the library where it was built, runs it and looks at what it prints.
if(LANGUAGE STREQUAL cpp)
  set(command ${COMPILER} -std=c++17 -O2 -Wall -Wextra -Werror -I${SOURCE}/include ${SOURCE}/Examples/cpp/fit.cpp
    -o ${BUILD}/example-cpp -L${LIBRARIES} -lapus -Wl,-rpath,${LIBRARIES})
else()
  set(command ${COMPILER} --edition 2021 -O -D warnings ${SOURCE}/Examples/rust/fit.rs -o ${BUILD}/example-rust
    -L ${LIBRARIES} -C link-arg=-Wl,-rpath,${LIBRARIES})
endif()
execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${BUILD}/example-${LANGUAGE} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
if(NOT output MATCHES "y = 2\\.000 x \\+ 1\\.000, squared error 0\\.000000\nrefused: matmul: .*\\[4, 2\\] and float32\\[4, 1\\]")
  message(FATAL_ERROR "the example printed: ${output}")
endif()
