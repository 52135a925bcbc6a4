/* SPDX-License-Identifier: MIT
 * tests/counted.c - see tests/counted.h. A filter of system calls (seccomp) lets through only the
 * end of the process, and every other call is counted in place of being made; allocations are
 * counted by this file's malloc, which all libraries of the process call; locks and the clock by
 * the linker, which gives the library those below (--wrap). */
#include "counted.h"

#ifdef COUNTED

#include "support.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

found *shared;
_Thread_local bool watched;

static void count_allocation(void)
{
    if (watched)
        shared->allocations++;
}

#ifdef SANITIZED
/* AddressSanitizer has a malloc of its own, and tells of it. */
int __sanitizer_install_malloc_and_free_hooks(void (*made)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *));

static void on_malloc(const volatile void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
    count_allocation();
}

static void on_free(const volatile void *memory)
{
    (void)memory;
    count_allocation();
}

void begin_counting(void)
{
    (void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}
#else
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

void *malloc(size_t bytes)
{
    count_allocation();
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t size)
{
    count_allocation();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t bytes)
{
    count_allocation();
    return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count_allocation();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count_allocation();
    *memory = __libc_memalign(alignment, bytes);
    return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory)
        count_allocation();
    __libc_free(memory);
}

void begin_counting(void) {}
#endif

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (watched)
        shared->locks++;
    return __real_pthread_mutex_lock(mutex);
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    if (watched)
        shared->clocks++;
    return __real_clock_gettime(clock, now);
}

static void on_call(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    if (shared->calls++ == 0)
        shared->first_call = info->si_syscall;
}

bool filter_calls(void)
{
#ifdef SANITIZED
    return true; /* sanitizers call the system themselves: the rest is counted */
#endif
#if defined(__x86_64__)
    const unsigned arch = AUDIT_ARCH_X86_64;
#else
    const unsigned arch = AUDIT_ARCH_AARCH64;
#endif
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {COUNT(code), code};
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on_call;
    sigaction(SIGSYS, &action, NULL);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool counted_open(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared != MAP_FAILED;
}

void give_up(const char *what)
{
    snprintf(shared->failure, sizeof shared->failure, "%s (%.200s)", what, test_last_error);
    _exit(1);
}

bool counted_run(void (*child)(const void *work), const void *work, const char *name, found *f)
{
    int status = 0;
    memset(shared, 0, sizeof *shared);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(work);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    *f = *shared;
    if (!f->done)
        fail_msg("%s: status %x, %s", name, (unsigned)status, f->failure);
    return f->filtered;
}

void counted_none(const found *f, bool filtered, const char *name, unsigned threads)
{
    if (f->allocations || f->calls || f->locks || f->clocks)
        fail_msg("%s, %u threads: %ld allocations, %ld system calls (the first is %ld), %ld locks, "
                 "%ld looks at the clock",
                 name, threads, f->allocations, f->calls, f->first_call, f->locks, f->clocks);
    if (!filtered) {
        print_message("no filter of system calls here: not counted\n");
        skip();
    }
}

#else
typedef int counted_nothing; /* no file may be empty */
#endif
