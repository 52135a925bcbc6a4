/* SPDX-License-Identifier: MIT
 * base/decimal.h - numbers as text with a decimal point, whatever locale the application has set.
 */
#ifndef CLR_BASE_DECIMAL_H
#define CLR_BASE_DECIMAL_H

#include <stddef.h>

enum { CLR_DECIMAL_ROOM = 32 };

/** Write a number with so many digits: 17 tell every double, 9 every float. Threads: any. */
void clr_decimal_write(char text[CLR_DECIMAL_ROOM], int digits, double value);

/** A copy of `length` characters for strtod or strtof, which read the locale's own point.
 *  copy: [room], cut short where that is too little. Returns copy. Threads: any. */
const char *clr_decimal_local(const char *text, size_t length, char *copy, size_t room);

#endif
