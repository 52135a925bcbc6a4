/* SPDX-License-Identifier: MIT
 * device/native.c - see device/native.h: the table of its functions. */
#include "device/native.h"

#include "base/lock.h"
#include "base/thread.h"
#include "device/native_objects.h"

const clr_driver *clr_native_driver(void)
{
    static clr_lock lock = CLR_LOCK_INIT;
    static bool filled;
    if (clr_native_level_count == 0)
        return NULL;
    clr_lock_take(&lock);
    if (!filled) {
        clr_native_take_device(&clr_native_table);
        clr_native_take_buffers(&clr_native_table);
        clr_native_take_programs(&clr_native_table);
        filled = true;
    }
    clr_lock_give(&lock);
    return &clr_native_table;
}

cl_int clr_native_threads(cl_context context, uint32_t threads, const clrnn_parallel *parallel)
{
    threads = threads ? threads : clr_processors();
    clr_pool *pool = parallel->run ? clr_pool_create_on(parallel->run, parallel->user, threads)
                                   : clr_pool_create(threads);
    if (!pool)
        return CL_OUT_OF_HOST_MEMORY;
    clr_pool_destroy(&context->pool);
    context->pool = pool;
    return CL_SUCCESS;
}

uint32_t clr_native_thread_count(cl_context context)
{
    return clr_pool_threads(context->pool);
}
