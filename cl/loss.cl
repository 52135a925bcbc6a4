/* SPDX-License-Identifier: MIT
 * cl/loss.cl - losses over the rows of an array, their gradients, and sums in a fixed order.
 *
 * After cl/prelude.cl. A row is one step of one sequence: O values. A row whose target is negative
 * is not counted: its loss and gradient are 0, whatever it holds (selected, not multiplied, so a
 * NaN there stays there). `scale` is 1/(rows counted), which makes the loss a mean.
 *
 *     cross_entropy   m = max of x;  s = sum of exp(x[k]-m)              (nats; m keeps exp finite)
 *                     loss = log(s) - (x[target]-m)
 *                     dx[k] = (exp(x[k]-m)/s - (k == target)) * scale
 *     mean_squared    loss = sum of (x[k]-value[k])^2 / O
 *                     dx[k] = 2/O * (x[k]-value[k]) * scale
 *
 * One group of WG work-items takes one row (of sums: one block), each item every WG-th element;
 * then the items' parts are added in halves. So the order of every sum depends on sizes alone.
 * Proven by: tests/train/test_optimizer.c against float64 on the host. */
#ifndef WG
#define WG 64 /* work-items of a group, a power of two */
#endif
#ifndef SUM_ITEM
#define SUM_ITEM 64 /* elements that one work-item of sums adds up */
#endif
#define GROUP kernel __attribute__((reqd_work_group_size(WG, 1, 1)))

/* The sum over a group, to each of its items; scratch: [WG]. */
static inline REAL group_sum(local REAL *scratch, REAL part)
{
    uint i = get_local_id(0);
    scratch[i] = part;
    for (uint step = WG / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < step)
            scratch[i] += scratch[i + step];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    REAL sum = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* all have read it before scratch is used again */
    return sum;
}

/* The same for the largest; a NaN is passed over. */
static inline REAL group_max(local REAL *scratch, REAL part)
{
    uint i = get_local_id(0);
    scratch[i] = part;
    for (uint step = WG / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < step)
            scratch[i] = fmax(scratch[i], scratch[i + step]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    REAL largest = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return largest;
}

/* logits: [rows, O], targets: [rows] below O, losses: out [rows], dlogits: out [rows, O] or NULL.
 * Global size [rows * WG]. */
GROUP void cross_entropy(global const REAL *logits, global const int *targets, uint O, REAL scale,
                         global REAL *losses, global REAL *dlogits)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    size_t row = get_group_id(0);
    global const REAL *x = logits + row * O;
    int target = targets[row];

    REAL part = -INFINITY;
    for (uint k = i; k < O; k += WG)
        part = fmax(part, x[k]);
    REAL m = group_max(scratch, part);

    part = 0;
    for (uint k = i; k < O; k += WG)
        part += exp(x[k] - m);
    REAL s = group_sum(scratch, part);

    if (i == 0)
        losses[row] = target < 0 ? (REAL)0 : log(s) - (x[target] - m);
    if (!dlogits)
        return;
    for (uint k = i; k < O; k += WG) {
        REAL hit = k == (uint)target ? 1 : 0;
        dlogits[row * O + k] = target < 0 ? (REAL)0 : (exp(x[k] - m) / s - hit) * scale;
    }
}

/* logits, values: [rows, O], targets: [rows], only their signs count; losses, dlogits as above.
 * Global size [rows * WG]. */
GROUP void mean_squared(global const REAL *logits, global const REAL *values,
                        global const int *targets, uint O, REAL scale, global REAL *losses,
                        global REAL *dlogits)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    size_t row = get_group_id(0);
    bool counted = targets[row] >= 0;

    REAL part = 0;
    for (uint k = i; k < O; k += WG) {
        REAL error = logits[row * O + k] - values[row * O + k];
        part += error * error;
        if (dlogits)
            dlogits[row * O + k] = counted ? 2 * error / O * scale : (REAL)0;
    }
    REAL sum = group_sum(scratch, part);
    if (i == 0)
        losses[row] = counted ? sum / O : (REAL)0;
}

/* out[block] = sum of x, or of x^2 if squared, over each block of WG*SUM_ITEM elements; its square
 * root if root.  x: [count] from x_at, out: one for each block from out_at.
 * Global size [blocks * WG]. */
GROUP void sums(global const REAL *x, ulong x_at, ulong count, uint squared, uint root,
                global REAL *out, ulong out_at)
{
    local REAL scratch[WG];
    size_t block = get_group_id(0);
    size_t first = block * (WG * SUM_ITEM);
    size_t last = min((size_t)count, first + WG * SUM_ITEM);
    REAL part = 0;
    for (size_t i = first + get_local_id(0); i < last; i += WG)
        part += squared ? x[x_at + i] * x[x_at + i] : x[x_at + i];
    REAL sum = group_sum(scratch, part);
    if (get_local_id(0) == 0)
        out[out_at + block] = root ? sqrt(sum) : sum;
}
