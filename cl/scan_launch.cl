/* SPDX-License-Identifier: MIT
 * cl/scan_launch.cl - what the host tells the kernels of all strategies: where the arrays of a
 * launch lie. (stepwise has a kernel for each phase of each step, but one of these for all steps.)
 *
 * host/math/scan.h reads this file too, with ulong and uint as cl_ulong and cl_uint: so both
 * sides have one layout. Hence no other types, ulong first, and sizes that are multiples of 8; and
 * cl/resident.cl copies scan_arrays, of ulong alone, word by word. */
#ifndef CLR_SCAN_LAUNCH
#define CLR_SCAN_LAUNCH
#include "sums.cl"
#define MOST_SCANS 2 /* of one launch: the directions of a layer, or two layers of a stack */

/* ints of the array `sync`: the flag, how often there was a fallback, how many groups have left;
 * then for each of up to MOST_GROUPS grid barriers a counter in a cache line of its own; then for
 * each group how many phases it has completed; then for each, in a line of its own, what of its
 * present phase has been claimed. (Where these lie does not depend on the partition: what one
 * launch leaves as a group's phases must not be the counter of another launch.) */
#define MOST_GROUPS    256
#define SYNC_FLAG      0
#define SYNC_FALLBACKS 1
#define SYNC_LEFT      2
#define SYNC_LINE      16
#define SYNC_COUNTERS  SYNC_LINE
#define SYNC_DONE      (SYNC_COUNTERS + MOST_GROUPS * SYNC_LINE)
#define SYNC_CLAIMS    (SYNC_DONE + MOST_GROUPS)
#define SYNC_INTS      (SYNC_CLAIMS + MOST_GROUPS * SYNC_LINE)

/* What of a phase has been claimed, as one number: the phase times CLAIMS, and how many panels. */
#define CLAIMS (1 << 13)

/* persistent: rows of x whose input products are computed at once, if there are so many. */
#define INPUT_ROWS 96

/* What `lengths` are: [N], or flags [T,N]. */
#define HAS_LENGTHS   1
#define HAS_FLAGS     2
#define FLAG_LIVE     1 /* step t of row n counts */
#define FLAG_RESET    2 /* the state before it is 0, as it is scanned */
#define FLAG_CUT_UP   4 /* step t + 1 has FLAG_RESET, so nothing comes back from there */
#define FLAG_CUT_DOWN 8 /* step t - 1 has, and comes after it */

/* persistent: units at most of what one group scans with all states at hand, a row after the other;
 * and inputs at most of which each row multiplies its own. */
#define SINGLE_UNITS  256
#define SINGLE_INPUTS 4

/* Where a scan's x and y are, if it has any. */
#define FROM_NOWHERE   0
#define FROM_ARGUMENT  1 /* the kernel's x, y or dy */
#define FROM_WORKSPACE 2

/* resident: how many chains of a sum are computed side by side, each in a lane of its own, and in
 * how many rounds all of them. */
#define MOST_LANES   32
#define LANES_OF(K)  (CHAINS_OF(K) < MOST_LANES ? CHAINS_OF(K) : MOST_LANES)
#define ROUNDS_OF(K) ((CHAINS_OF(K) + MOST_LANES - 1) / MOST_LANES)
#define PIECE_BYTES  16
/* How many pieces of so many numbers (PIECE of cl/storage.cl) hold the longest chain; and with
 * scales, the scales of N columns. */
#define LONGEST_OF(K)       ((K) < CHAIN_OF(K) ? (K) : CHAIN_OF(K))
#define PIECES_OF(K, piece) ((LONGEST_OF(K) + (piece)-1) / (piece))
#define LANES_HEAD(N)       (((N) + 3) / 4)
#define LANE_ROWS           4 /* rows that share a weight that is read */
#define LANE_BROUGHT        8 /* numbers of h that a work-item waits for at once */

/* One direction of one layer. Offsets in elements of the kernel's argument that is named. */
typedef struct scan_arrays {
    ulong gates; /* workspace: [count,N,G*H] */
    ulong h, c;  /* workspace: [slots,N,R], [slots,N,H] */
    ulong saved; /* workspace: [saved_steps,N,values saved,H] */
    ulong y;     /* y, back dy: [..,N,y_stride], that of the first step, row 0 */
    ulong y_from, y_stride;
    ulong first_t; /* t of the first step */
    ulong down;    /* 1: from the last step to the first */
    ulong params;  /* weights: [CELL_PARAMS,H] */
    /* forward */
    ulong x; /* x: [..,N,x_stride], that of the first step, row 0 */
    ulong x_from, x_stride, I;
    ulong input;            /* panels: W_ih^T, [G][panels of H][PANEL_ROWS(I)][TILE_N] */
    ulong recurrent;        /* panels: U^T, the same with R; resident: lanes */
    ulong projection;       /* panels: W_hr^T, [panels of P][PANEL_ROWS(H)][TILE_N] */
    ulong b_ih, b_hh;       /* weights: [G*H] */
    ulong h_first, c_first; /* h_first, c_first: the state before the first step, [N,R], [N,H] */
    ulong h_last, c_last;   /* h_last, c_last: where that after the last step goes */
    /* back */
    ulong d_recurrent;  /* panels: U, [panels of R][G*H, reset before 2H][TILE_N] */
    ulong d_candidate;  /* panels: U_n, reset before, [panels of H][H][TILE_N] */
    ulong d_projection; /* panels: W_hr, [panels of H][P][TILE_N] */
    ulong dh, dc;       /* dh, dc: [N,R], [N,H] */
    ulong dproj;        /* dproj: [count,N,R] */
    ulong da;           /* da and du: [count,N,G*H] */
    /* With OPTION_RARE: the cell's functions f g h, and alpha and beta of each, as bits of a
     * REAL. */
    ulong function[3], alpha[3], beta[3];
    ulong zone_key; /* with OPTION_ZONEOUT or OPTION_ZONE_CELL */
} scan_arrays;

typedef struct scan_launch {
    scan_arrays scans[MOST_SCANS];
    ulong gate_clip, cell_clip, proj_clip; /* as bits of a REAL; infinite: none */
    ulong zone, zone_cell;                 /* as bits of a REAL; cl/zoneout.cl */
    uint options;                          /* of the network: cl/cell.cl */
    uint has_lengths;                      /* 0, HAS_LENGTHS or HAS_FLAGS */
    uint save_gates;                       /* 1: gates are left activated, for the way back */
    uint slots, saved_steps;
    uint count; /* steps of the launch */
    uint H, R, N;
    uint used; /* of scans */
    uint row_parts, unit_parts;
    uint stacked;                 /* 1: the x of the second scan is the y of the first */
    uint single_group;            /* 1: one group does the work of all */
    uint steal;                   /* persistent, forward, 1: who is done takes from the others */
    uint block;                   /* persistent: steps whose input products come at once */
    uint most_spins, first_spins; /* how long to wait for others; in the first phase */
    uint rows;                    /* resident: how many are multiplied at once */
    uint zone_index;              /* of what zoneout draws, */
    uint zone_drawn;              /* 1: it does */
    uint tile;                    /* resident: pieces of a lane in local memory at once */
} scan_launch;

/* persistent, layer norm: where a scan finds what it has for that. Offsets in elements of the
 * argument that is named. */
typedef struct norm_arrays {
    ulong gain_x, gain_u, gain_c, bias_c; /* weights: [G*H] [G*H] [H] [H] */
    ulong sums;                           /* sums: [N,G*H], of the step at hand */
    /* workspace: what is kept for the way back, of the first step, row 0; rows are `stride` apart:
     * the normalised W x, U h [G*H] and c [H]; scales of W x, of U h in each phase, of c. */
    ulong hat_x, hat_u, hat_c, scales, scale_c;
    ulong dz; /* back. dz: [count,N,H]; dsums: [count,N,G*H] where da is */
} norm_arrays;

typedef struct norm_launch {
    norm_arrays scans[MOST_SCANS];
    ulong epsilon; /* as bits of a REAL */
    ulong stride;
    ulong keep; /* 0: inference keeps nothing */
} norm_launch;

/* The slots of the states before and after step t. */
static inline uint slot_before(uint t, uint down, uint slots)
{
    return (t + down) % slots;
}

static inline uint slot_after(uint t, uint down, uint slots)
{
    return (t + 1 - down) % slots;
}
#endif
