/* SPDX-License-Identifier: MIT
 * clrnn/version.h - the version, and how symbols are exported. Meson reads the numbers from here.
 */
#ifndef CLRNN_VERSION_H
#define CLRNN_VERSION_H

#define CLRNN_VERSION_MAJOR 0
#define CLRNN_VERSION_MINOR 1
#define CLRNN_VERSION_PATCH 0

#if defined(_WIN32) && defined(CLRNN_BUILDING)
#define CLRNN_API __declspec(dllexport)
#elif defined(__GNUC__)
#define CLRNN_API __attribute__((visibility("default")))
#else
#define CLRNN_API
#endif

#endif
