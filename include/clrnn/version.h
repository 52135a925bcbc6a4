/* SPDX-License-Identifier: MIT
 * clrnn/version.h - the version, and how symbols are exported. Meson reads the numbers from here.
 *
 * How the interface grows. A program runs with any library of the same MAJOR.MINOR: structs, values
 * and functions stay as they are, only PATCH counts up, and the shared library keeps its name
 * (libclrnn.so.0.1). A new MINOR may add functions, values at the end of enums and members at the
 * end of structs; since that changes sizes, the shared library takes a new name, and a program is
 * compiled again. Its source stays as it is: every descriptor is zero-initialised and zero is the
 * default of every member, so one that a program does not know does nothing. What has to change
 * in a source text is a new MAJOR, or, as long as that is 0, stands in CHANGELOG.md. */
#ifndef CLRNN_VERSION_H
#define CLRNN_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define CLRNN_VERSION_MAJOR 0
#define CLRNN_VERSION_MINOR 1
#define CLRNN_VERSION_PATCH 0

/* A version as one number, which grows; CLRNN_VERSION is that of the headers. */
#define CLRNN_MAKE_VERSION(major, minor, patch) (((major) << 16) + ((minor) << 8) + (patch))
#define CLRNN_VERSION \
    CLRNN_MAKE_VERSION(CLRNN_VERSION_MAJOR, CLRNN_VERSION_MINOR, CLRNN_VERSION_PATCH)

#if defined(_WIN32) && defined(CLRNN_BUILDING)
#define CLRNN_API __declspec(dllexport)
#elif defined(__GNUC__)
#define CLRNN_API __attribute__((visibility("default")))
#else
#define CLRNN_API
#endif

/** The version of the library that runs, to compare with CLRNN_VERSION, that of the headers a
 *  program was compiled with: equal but for PATCH, the lowest 8 bits, or the program has found a
 *  library that is not its own. Threads: any. */
CLRNN_API int clrnn_version(void);

/** The same as text, "MAJOR.MINOR.PATCH"; never NULL, static storage. Threads: any. */
CLRNN_API const char *clrnn_version_text(void);

#ifdef __cplusplus
}
#endif
#endif
