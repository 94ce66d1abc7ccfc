// Version of coir, as macros for conditional compilation.
//
//     #if COIR_VERSION >= 100   // 0.1.0
//
// The inline namespace `v0` is the ABI generation: it changes when the layout of a
// public type does, so that two generations in one program do not link by accident.
#pragma once

#define COIR_VERSION_MAJOR 0
#define COIR_VERSION_MINOR 1
#define COIR_VERSION_PATCH 0
#define COIR_VERSION (COIR_VERSION_MAJOR * 10000 + COIR_VERSION_MINOR * 100 + COIR_VERSION_PATCH)
