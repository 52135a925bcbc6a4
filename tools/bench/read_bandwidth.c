/* SPDX-License-Identifier: MIT
 * read_bandwidth.c - read_bandwidth BYTES THREADS: how fast the threads together read a buffer of
 * that size again and again, each its own part. Prints the best of several trials in bytes/s. */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LANES       64 /* partial sums: independent chains for every vector unit */
#define TRIALS      7
#define TRIAL_BYTES 2e9 /* read by all threads in one trial, at least once the buffer */

typedef struct part {
    const uint64_t *words; /* [count], a multiple of LANES */
    size_t count, passes;
    pthread_barrier_t *start;
    double begun, done;
    uint64_t sum;
} part;

static uint64_t sum_of(const uint64_t *words, size_t count)
{
    uint64_t lanes[LANES] = {0}, sum = 0;
    for (size_t i = 0; i < count; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lanes[k] += words[i + k];
    for (size_t k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *work(void *argument)
{
    part *p = argument;
    pthread_barrier_wait(p->start);
    p->begun = now();
    for (size_t pass = 0; pass < p->passes; pass++) {
        p->sum += sum_of(p->words, p->count);
        __asm__ volatile("" ::: "memory"); /* every pass reads again */
    }
    p->done = now();
    return NULL;
}

/* Bytes per second of one trial; 0 if threads could not be made. */
static double trial(const uint64_t *words, size_t count, size_t threads, size_t passes)
{
    pthread_t *ids = calloc(threads, sizeof *ids);
    part *parts = calloc(threads, sizeof *parts);
    pthread_barrier_t start;
    double rate = 0;
    if (ids && parts && pthread_barrier_init(&start, NULL, (unsigned)threads) == 0) {
        size_t share = count / threads / LANES * LANES;
        for (size_t i = 0; i < threads; i++) {
            parts[i] = (part){
                .words = words + i * share, .count = share, .passes = passes, .start = &start};
            if (pthread_create(&ids[i], NULL, work, &parts[i]))
                exit(1); /* the others wait at the barrier for ever */
        }
        double begun = INFINITY, done = 0;
        for (size_t i = 0; i < threads; i++) {
            pthread_join(ids[i], NULL);
            begun = fmin(begun, parts[i].begun);
            done = fmax(done, parts[i].done);
        }
        rate = (double)(passes * threads * share * sizeof *words) / (done - begun);
        pthread_barrier_destroy(&start);
    }
    free(ids);
    free(parts);
    return rate;
}

int main(int argc, char **argv)
{
    size_t bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    size_t threads = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    size_t count = bytes / sizeof(uint64_t), passes = (size_t)(TRIAL_BYTES / (double)bytes) + 1;
    uint64_t *words =
        threads && count / threads >= LANES ? aligned_alloc(64, bytes / 64 * 64 + 64) : NULL;
    double best = 0;
    if (!words) {
        fprintf(stderr, "usage: read_bandwidth BYTES THREADS, at least %zu bytes a thread\n",
                LANES * sizeof *words);
        return 2;
    }
    memset(words, 1, bytes);
    for (int i = 0; i < TRIALS; i++) {
        double rate = trial(words, count, threads, passes);
        best = rate > best ? rate : best;
    }
    free(words);
    printf("%.6g\n", best);
    return best > 0 ? 0 : 1;
}
