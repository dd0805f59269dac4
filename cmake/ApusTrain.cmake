# libapus_train: autograd, modules and optimizers for C, from the Swift sources. Swift's runtime is linked in, Foundation
# is not used, and the core is the process's libapus.
find_program(SWIFTC NAMES swiftc)
if(NOT SWIFTC)
  message(STATUS "libapus_train is left out: it needs a Swift compiler")
  return()
endif()
# `@c @implementation`, by which the compiler checks the exports against the header.
execute_process(COMMAND ${SWIFTC} --version OUTPUT_VARIABLE SWIFT_VERSION ERROR_QUIET)
string(REGEX MATCH "Swift version ([0-9]+\\.[0-9]+)" _ "${SWIFT_VERSION}")
if(CMAKE_MATCH_1 VERSION_LESS 6.3)
  message(STATUS "libapus_train is left out: it needs Swift 6.3 or later, and ${SWIFTC} is ${CMAKE_MATCH_1}")
  return()
endif()

set(TRAIN_DIR ${PROJECT_BINARY_DIR}/train)
file(GLOB TRAIN_HEADERS CONFIGURE_DEPENDS include/apus/*.h include/apus/*.def)
set(TRAIN_FLAGS -O -wmo -parse-as-library -swift-version 6 -package-name apus -enable-default-cmo
  -I ${TRAIN_DIR} -I ${PROJECT_SOURCE_DIR}/include -module-cache-path ${TRAIN_DIR}/cache)

# One object a module, in the order of their imports.
set(TRAIN_OBJECTS "")
set(TRAIN_MODULES "")
foreach(module Apus ApusNN ApusOptim ApusExports)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS Sources/${module}/*.swift)
  add_custom_command(OUTPUT ${TRAIN_DIR}/${module}.o ${TRAIN_DIR}/${module}.swiftmodule
    COMMAND ${SWIFTC} ${TRAIN_FLAGS} -module-name ${module} -c -emit-module
      -emit-module-path ${TRAIN_DIR}/${module}.swiftmodule -o ${TRAIN_DIR}/${module}.o ${sources}
    DEPENDS ${sources} ${TRAIN_HEADERS} ${TRAIN_MODULES}
    COMMENT "Compiling the Swift module ${module}" VERBATIM)
  list(APPEND TRAIN_OBJECTS ${TRAIN_DIR}/${module}.o)
  list(APPEND TRAIN_MODULES ${TRAIN_DIR}/${module}.swiftmodule)
endforeach()

# Only the functions of apus/train.h leave the library; the core's are not in it.
set(TRAIN_EXPORTS ${PROJECT_SOURCE_DIR}/cmake/apus_train.map)
set(TRAIN_SONAME ${CMAKE_SHARED_LIBRARY_PREFIX}apus_train${CMAKE_SHARED_LIBRARY_SUFFIX}.${PROJECT_VERSION_MAJOR})
set(TRAIN_LIBRARY ${PROJECT_BINARY_DIR}/libapus_train.so)
add_custom_command(OUTPUT ${TRAIN_LIBRARY}.${PROJECT_VERSION}
  COMMAND ${SWIFTC} -emit-library -static-stdlib -use-ld=lld ${TRAIN_OBJECTS} $<TARGET_FILE:apus>
    -o ${TRAIN_LIBRARY}.${PROJECT_VERSION} -Xlinker -soname=${TRAIN_SONAME} -Xlinker --gc-sections -Xlinker -s
    -Xlinker --version-script=${TRAIN_EXPORTS} -Xlinker -rpath=$ORIGIN -Xlinker -z -Xlinker defs
  COMMAND ${CMAKE_COMMAND} -E create_symlink libapus_train.so.${PROJECT_VERSION}
    ${TRAIN_LIBRARY}.${PROJECT_VERSION_MAJOR}
  COMMAND ${CMAKE_COMMAND} -E create_symlink ${TRAIN_SONAME} ${TRAIN_LIBRARY}
  DEPENDS ${TRAIN_OBJECTS} ${TRAIN_EXPORTS} apus
  COMMENT "Linking libapus_train" VERBATIM)
add_custom_target(train_library ALL DEPENDS ${TRAIN_LIBRARY}.${PROJECT_VERSION})
add_library(apus_train SHARED IMPORTED GLOBAL)
add_library(Apus::Train ALIAS apus_train)
add_dependencies(apus_train train_library)
set_target_properties(apus_train PROPERTIES
  IMPORTED_LOCATION ${TRAIN_LIBRARY}.${PROJECT_VERSION} IMPORTED_SONAME ${TRAIN_SONAME} INTERFACE_LINK_LIBRARIES apus)

# ---- Installing

install(FILES include/apus/train.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/apus)
install(PROGRAMS ${TRAIN_LIBRARY}.${PROJECT_VERSION} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${TRAIN_LIBRARY}.${PROJECT_VERSION_MAJOR} ${TRAIN_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR})
configure_file(cmake/apus-train.pc.in apus-train.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/apus-train.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
