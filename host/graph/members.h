/* SPDX-License-Identifier: MIT
 * graph/members.h - the members of clrnn_node_desc as a table: what checks, copies and files of
 * descriptors read. */
#ifndef CLR_GRAPH_MEMBERS_H
#define CLR_GRAPH_MEMBERS_H

#include "graph/kind.h"

typedef enum clr_member_type {
    CLR_MEMBER_U32,
    CLR_MEMBER_I32,
    CLR_MEMBER_I64,
    CLR_MEMBER_F64,
    CLR_MEMBER_BOOL,
    CLR_MEMBER_WORD /* an enum, in files by its name */
} clr_member_type;

typedef struct clr_member {
    const char *name;
    uint32_t uses; /* bit CLR_USES_ of kinds that have it */
    size_t offset, bytes;
    clr_member_type type;
    uint32_t count;                      /* elements; 1 if it is no array */
    const char *(*word)(uint32_t value); /* of CLR_MEMBER_WORD; NULL past the last */
} clr_member;

extern const clr_member clr_members[];
extern const size_t clr_member_count;

/** A member's element as a number (of every type but double, exact). */
int64_t clr_member_get(const clrnn_node_desc *desc, const clr_member *member, uint32_t i);
void clr_member_set(clrnn_node_desc *desc, const clr_member *member, uint32_t i, int64_t value);
double clr_member_real(const clrnn_node_desc *desc, const clr_member *member, uint32_t i);

/** Check that what a kind does not use is zero, that words exist, and ranks; make alpha and beta
 *  definite. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT */
clrnn_status clr_members_check(const clrnn_log *log, const clr_kind *kind, clrnn_node_desc *desc);

#endif
