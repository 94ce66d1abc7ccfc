# One small executable per mutation: the scenarios of a file, `scenes_of_mutants`, compiled against a
# copy of the library's header with the mistake in it, which comes first on the include path.
add_library(coir_mutant_main OBJECT mutant.cpp)
target_link_libraries(coir_mutant_main PRIVATE coir::coir)

function(coir_add_mutant name)
  set(mutant coir_mutant_${name})
  add_executable(${mutant} ${scenes_of_mutants})
  target_include_directories(${mutant} BEFORE PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name})
  target_link_libraries(${mutant} PRIVATE coir_model_scenario coir_mutant_main coir_model_explorer)
  target_compile_options(${mutant} PRIVATE -w -O0 -g0) # compiled often, and run for a moment
  set_target_properties(${mutant} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/mutants)
  add_test(NAME "coir_model_mutants: ${name}" COMMAND ${mutant} ${ARGN})
  set_tests_properties("coir_model_mutants: ${name}" PROPERTIES LABELS model)
endfunction()

function(coir_mutation name header scene report)
  set(path coir/detail/${header})
  set(original ${PROJECT_SOURCE_DIR}/include/${path})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${original})
  file(READ ${original} code)
  set(i 4)
  while(i LESS ARGC)
    math(EXPR next "${i} + 1")
    string(FIND "${code}" "${ARGV${i}}" first)
    string(FIND "${code}" "${ARGV${i}}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
      message(FATAL_ERROR "mutation ${name}: this must be in ${header} exactly once:\n${ARGV${i}}")
    endif()
    string(REPLACE "${ARGV${i}}" "${ARGV${next}}" code "${code}")
    math(EXPR i "${i} + 2")
  endwhile()
  file(CONFIGURE OUTPUT mutants/${name}/${path} CONTENT "${code}" @ONLY) # leaves alone what is the same
  coir_add_mutant(${name} ${scene} ${report})
endfunction()

set(scenes_of_mutants ${scenes})
coir_add_mutant(none)
include(mutations.cmake)
