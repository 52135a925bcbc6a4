/* SPDX-License-Identifier: MIT
 * cl/partition.cl - how the work of a launch is cut among groups, and how they wait for each other:
 * what the strategies share that scan many steps in one launch. After cl/scan.cl.
 *
 * Each direction's units are cut into `unit_parts` runs, its rows into `row_parts` runs; a group
 * computes one part of the units for one part of the rows, and scans all steps:
 *
 *              units of part 0   units of part 1
 *     rows 0   +---------------+----------------+   groups side by side wait for each other after
 *              |    group 0  <-+-------> group 1|   each phase of a step, since each needs the other's
 *     rows 1   +---------------+----------------+   h_{t-1}: a grid barrier; groups below one another
 *              |    group 2  <-+-------> group 3|   never wait
 *              +---------------+----------------+
 *
 * OpenCL does not promise that groups run at the same time. So the host asks for no more groups
 * than a probe found to run together, each wait is bounded, and a group that waits too long raises
 * a flag, upon which all groups note how far they came and leave. The last one to leave then does
 * what is missing of all, alone and so without waiting. (The grid barrier is the barrier of
 * Sorensen, Donaldson, Batty, Gopalakrishnan, Rakamaric, "Portable Inter-workgroup Barrier
 * Synchronisation for GPUs", OOPSLA 2016.)
 *
 * With `steal` a group claims the panels of its part one by one, and when none is left those of
 * the groups that it waits for: so in a phase nobody waits for longer than a panel takes. (Only
 * where there is a grid barrier after each phase; work stealing as in Blumofe and Leiserson,
 * "Scheduling Multithreaded Computations by Work Stealing", J. ACM 1999, but from a counter for
 * each part.) */
/* What this work-item (or, after a barrier, its group) wrote is seen by all groups before what it
 * does next; and the other way round. OpenCL C 1.2 has a fence for work-items of one group only: so
 * where the compiler is known it is told to fence the whole device, and for others resident.cl is
 * compiled as OpenCL C 2.0 or 3.0, or not at all (host/device/compiler.c). On the processors that
 * persistent.cl is for, which have one memory, the usual fence does. */
static inline void fence_device(void)
{
#if defined(__AMDGCN__)
    __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent");
#elif defined(__NVPTX__) || defined(__NV_CL_C_VERSION)
    __asm__ volatile("membar.gl;" ::: "memory");
#elif __OPENCL_C_VERSION__ >= 200
    atomic_work_item_fence(CLK_GLOBAL_MEM_FENCE, memory_order_acq_rel, memory_scope_device);
#else
    mem_fence(CLK_GLOBAL_MEM_FENCE);
#endif
}

/* Between two looks at a counter: let the other thread of the core work, and the other core write.
 * One look and one pause take some tens of nanoseconds. Who has looked often gives its processor to
 * others, where it can: the group that is late may be waiting for it. */
#define LOOKS_BEFORE_YIELD 1024
static inline void pause_between(uint looks)
{
#ifdef YIELD
    if (looks % LOOKS_BEFORE_YIELD == LOOKS_BEFORE_YIELD - 1)
        YIELD();
#endif
#if defined(__x86_64__) && __has_builtin(__builtin_ia32_pause)
    __builtin_ia32_pause();
#endif
}

/* Wait until the counter has reached `target`. False: somebody gave up. */
static inline bool grid_barrier(volatile global int *sync, volatile global int *counter, int target,
                                uint most_spins)
{
    fence_device();
    atomic_inc(counter);
    for (uint spins = 0; *counter < target; spins++) {
        if (sync[SYNC_FLAG] || spins >= most_spins) {
            atomic_or(&sync[SYNC_FLAG], 1);
            return false;
        }
        pause_between(spins);
    }
    atomic_add(counter, 0); /* nothing below is read before this */
    fence_device();
    return true;
}

/* Share `part` of `parts` of `whole` things: from *begin to the result. */
static inline uint part_range(uint whole, uint part, uint parts, uint *begin)
{
    *begin = (uint)((ulong)whole * part / parts);
    return (uint)((ulong)whole * (part + 1) / parts);
}

/* What groups of one launch share: how the work is partitioned, and where they wait. */
typedef struct team {
    uint scans, row_parts, unit_parts;
    uint barriers;     /* grid barriers: one for each part of the rows, in a stack from all scans */
    uint members;      /* groups of a grid barrier */
    bool single_group; /* one group does the work of all */
    bool steal;        /* who is done takes from the others */
    uint own;          /* the group itself */
    volatile global int *sync;
    uint most_spins, first_spins; /* first: after phases that take longer */
} team;

static inline void team_begin(team *m, const scan_launch *l, volatile global int *sync, uint own)
{
    m->scans = l->used;
    m->row_parts = l->row_parts;
    m->unit_parts = l->unit_parts;
    m->barriers = (l->stacked ? 1 : l->used) * l->row_parts;
    m->members = l->single_group ? 1 : (l->stacked ? l->used : 1) * l->unit_parts;
    m->single_group = l->single_group;
    m->steal = l->steal;
    m->own = own;
    m->sync = sync;
    m->most_spins = l->most_spins;
    m->first_spins = l->first_spins;
}

static inline uint team_size(const team *m)
{
    return m->scans * m->row_parts * m->unit_parts;
}

/* The counter of a group, and where it notes how many phases it has completed. */
static inline volatile global int *counter_of(const team *m, uint group)
{
    return m->sync + SYNC_COUNTERS + group / m->unit_parts % m->barriers * SYNC_LINE;
}

static inline volatile global int *done_of(const team *m, uint group)
{
    return m->sync + SYNC_DONE + group;
}

static inline volatile global int *claims_of(const team *m, uint group)
{
    return m->sync + SYNC_CLAIMS + group * SYNC_LINE;
}

/* The next of the `count` panels that are a group's part of a phase; `count` if none is left. Each
 * is handed out once, also where a fallback follows. */
static inline uint claim(const team *m, uint group, uint phase, uint count)
{
    volatile global int *claims = claims_of(m, group);
    const int first = (int)(phase * CLAIMS);
    for (;;) {
        int seen = *claims, next = max(seen, first);
        if (next - first >= (int)count)
            return count;
        if (atomic_cmpxchg(claims, seen, next + 1) == seen)
            return (uint)(next - first);
    }
}

/* After a phase, the number `phases_done` of `phases`: a grid barrier if others depend on it
 * (`barriers_done`: how many there have been then, 0 = not now). False: the group must leave. */
static inline bool phase_end(const team *m, uint group, uint phases_done, uint phases,
                             uint barriers_done, uint spins)
{
    bool alone = m->members == 1 || barriers_done == 0;
    bool stay = alone || grid_barrier(m->sync, counter_of(m, group),
                                      (int)(barriers_done * m->members), spins);
    if (m->members > 1 && (phases_done == phases || !stay))
        *done_of(m, group) = (int)phases_done;
    return stay;
}

/* A group goes through its phases while nobody has given up; alone it goes through those of all
 * groups; in a fallback through those that are missing of them, each from where it stopped:
 *
 *     for (uint phase = 0; stays && phase < phases; phase++)
 *         for (uint group = first_group(&m, fallback); group < groups_end(&m, fallback); group++)
 *             if (is_missing(&m, fallback, group, phase)) ...
 */
/* The group itself. Asked anew wherever there may be barriers inside a loop over groups: PoCL 3.1
 * does not see that a variable is the same for all work-items. */
#ifndef OWN_GROUP
#define OWN_GROUP(m) ((uint)get_group_id(0))
#endif

static inline uint first_group(const team *m, bool fallback)
{
    return fallback || m->single_group ? 0 : OWN_GROUP(m);
}

static inline uint groups_end(const team *m, bool fallback)
{
    return fallback || m->single_group ? team_size(m) : OWN_GROUP(m) + 1;
}

static inline bool is_missing(const team *m, bool fallback, uint group, uint phase)
{
    return !fallback || (uint)*done_of(m, group) <= phase;
}

/* A launch without steps is nothing but one grid barrier: do so many groups run at the same time?
 */
static inline void probe(const team *m)
{
    (void)grid_barrier(m->sync, counter_of(m, 0), (int)team_size(m), m->most_spins);
}

/* Ready for the next launch. */
static inline void settle(const team *m)
{
    for (uint group = 0; group < team_size(m); group += m->unit_parts)
        *counter_of(m, group) = 0;
    for (uint group = 0; m->steal && group < team_size(m); group++)
        *claims_of(m, group) = 0;
    if (m->sync[SYNC_FLAG])
        m->sync[SYNC_FALLBACKS]++;
    m->sync[SYNC_FLAG] = 0;
    m->sync[SYNC_LEFT] = 0;
}

/* A group has done its phases: has it to do what is missing of all? The last one has, if somebody
 * gave up; when nothing is missing (any more) it settles. */
static inline bool must_fall_back(const team *m, bool fell_back)
{
    if (m->members == 1) /* alone nobody waits */
        return false;
    if (!fell_back) {
        fence_device();
        bool last = atomic_inc(&m->sync[SYNC_LEFT]) == (int)team_size(m) - 1;
        fence_device();
        if (!last || m->sync[SYNC_FLAG])
            return last;
    }
    settle(m);
    return false;
}
