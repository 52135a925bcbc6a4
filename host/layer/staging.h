/* SPDX-License-Identifier: MIT
 * layer/staging.h - device copies of host arrays, for calls that take those. */
#ifndef CLR_LAYER_STAGING_H
#define CLR_LAYER_STAGING_H

#include <clrnn/plan.h>

enum { CLR_STAGED = 13 }; /* arrays of a pass */

/* Each made at its first use, for the plan's largest T and N. */
typedef struct clr_staging {
    cl_mem device[CLR_STAGED];
    cl_mem reserve;
    bool forward_done; /* the reserve belongs to a forward pass */
} clr_staging;

/** Release all and set the pointer to NULL; NULL is accepted. */
void clr_staging_free(clr_staging **staging);

#endif
