# A header-only package is the same on every architecture, so all of it goes to
# share/ and the version file does not ask for the pointer size.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/coir)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/coir DESTINATION include)
install(FILES ${PROJECT_SOURCE_DIR}/docs/gdb/coir.py DESTINATION ${CMAKE_INSTALL_DATADIR}/coir/gdb)
install(TARGETS coir EXPORT coirTargets)
install(EXPORT coirTargets NAMESPACE coir:: DESTINATION ${package_dir})

# Before 1.0 a minor version may break what users compile.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/coirConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/coirConfig.cmake ${PROJECT_BINARY_DIR}/coirConfigVersion.cmake
  DESTINATION ${package_dir})

configure_file(${PROJECT_SOURCE_DIR}/cmake/coir.pc.in ${PROJECT_BINARY_DIR}/coir.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/coir.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
