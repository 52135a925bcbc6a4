/* SPDX-License-Identifier: MIT
 * limits.c - limits THREADS: what a loop of multiply-adds in registers reaches with so many
 * threads, in operations/s, and how long two threads take to tell each other something, in
 * seconds (0 with one). The best of several trials. With -march=native. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRIALS 9
#define ROUNDS 4000000
#define CHAINS 12
#define LANES  16
#define TURNS  20000

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static pthread_barrier_t start;
static atomic_int turn;
static volatile float sink;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of the loop. */
static void *multiply(void *argument)
{
    lanes sum[CHAINS], a = {0}, b = {0};
    for (int c = 0; c < CHAINS; c++)
        sum[c] = (lanes){0} + (float)c; /* or one would stand for all */
    for (int i = 0; i < LANES; i++) {
        a[i] = 1.0f - 1e-7f * (float)i;
        b[i] = 1e-7f;
    }
    pthread_barrier_wait(&start);
    double begun = now();
    for (long k = 0; k < ROUNDS / CHAINS; k++)
        for (int c = 0; c < CHAINS; c++)
            sum[c] = sum[c] * a + b;
    *(double *)argument = now() - begun;
    for (int c = 0; c < CHAINS; c++)
        sink += sum[c][c];
    return NULL;
}

/* Seconds of a turn and back. */
static void *take_turns(void *argument)
{
    const int own = *(double *)argument > 0;
    pthread_barrier_wait(&start);
    double begun = now();
    for (int i = 0; i < TURNS; i++) {
        while (atomic_load(&turn) % 2 != own)
            ;
        atomic_fetch_add(&turn, 1);
    }
    *(double *)argument = (now() - begun) / TURNS;
    return NULL;
}

/* The longest of what the threads say. */
static double together(void *(*work)(void *), size_t threads)
{
    pthread_t ids[64];
    double seconds[64] = {0}, longest = 0;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (size_t i = 0; i < threads; i++) {
        seconds[i] = (double)i;
        if (pthread_create(&ids[i], NULL, work, &seconds[i]))
            exit(1);
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        longest = seconds[i] > longest ? seconds[i] : longest;
    }
    pthread_barrier_destroy(&start);
    return longest;
}

int main(int argc, char **argv)
{
    const long threads = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    double loop = 1e9, told = 1e9;
    if (threads < 1 || threads > 64)
        return 2;
    for (int i = 0; i < TRIALS; i++) {
        double seconds = together(multiply, (size_t)threads);
        loop = seconds < loop ? seconds : loop;
        if (threads > 1) {
            atomic_store(&turn, 0);
            seconds = together(take_turns, 2);
            told = seconds < told ? seconds : told;
        }
    }
    printf("%.4g %.4g\n", 2.0 * ROUNDS * LANES * (double)threads / loop, threads > 1 ? told : 0);
    return 0;
}
