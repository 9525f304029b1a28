# vecfill_module(NAME SOURCES file... DEPENDS library...): a room of src/ as the library vf_NAME.
function(vecfill_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(vf_${name} STATIC ${ARG_SOURCES})
  target_include_directories(vf_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src
                                               ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(vf_${name} PUBLIC ${ARG_DEPENDS})
endfunction()

# vecfill_test(NAME SOURCES file... DEPENDS library... [LABELS label...] [ARGS argument...]): a cmocka
# program and the arguments that it is run with.
function(vecfill_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE VF_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} PkgConfig::CMOCKA m)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 600
    ENVIRONMENT "VECFILL_TEST_ROOT=${PROJECT_SOURCE_DIR}")
endfunction()
