/* SPDX-License-Identifier: MIT
 * tests/device/test_upload.c - arrays on their way to a device that may be busy for long. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "device/upload.h"
#include "gate.h"
#include "support.h"

enum { BYTES = 64, MANY = 3 * CLR_UPLOAD_SLOTS };

/* Upload number i to its place of `all`, by way of `once`. */
static void upload(clrnn_context *context, clr_uploads *uploads, int i, cl_mem once, cl_mem all)
{
    unsigned char data[BYTES];
    memset(data, i + 1, BYTES);
    assert_int_equal(clr_uploads_copy(context, uploads, data, BYTES, once), CLRNN_OK);
    memset(data, 0xff, BYTES);
    assert_int_equal(clr_buffer_copy(context, once, 0, all, (size_t)i * BYTES, BYTES), CLRNN_OK);
}

static void check_all(clrnn_context *context, cl_mem all, int count)
{
    unsigned char *read = malloc(MANY * BYTES);
    assert_non_null(read);
    assert_int_equal(clr_buffer_read(context, all, 0, (size_t)count * BYTES, read), CLRNN_OK);
    for (int i = 0; i < count * BYTES; i++)
        assert_int_equal(read[i], i / BYTES + 1);
    free(read);
}

/* Each upload keeps its own array until the device has read it, and none is waited for. */
static void slots_until_they_are_read(void **state)
{
    clrnn_context *context = *state;
    clr_uploads uploads = {.count = 0};
    cl_mem once = NULL, all = NULL;
    const bool at_once = !test_has(context, TEST_USER_EVENTS); /* then one slot is enough */
    assert_int_equal(clr_buffer_create(context, BYTES, &once), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, MANY * BYTES, &all), CLRNN_OK);
    for (int round = 0; round < 2; round++) {
        long waits = clr_waits();
        cl_event gate = test_queue_hold(context);
        for (int i = 0; i < CLR_UPLOAD_SLOTS; i++)
            upload(context, &uploads, i, once, all);
        waits = clr_waits() - waits;
        test_queue_release(gate); /* before what may fail: no context ends while it is shut */
        assert_int_equal(uploads.count, gate ? CLR_UPLOAD_SLOTS : 1);
        assert_int_equal(waits, 0);
        check_all(context, all, CLR_UPLOAD_SLOTS);
    }
    for (int i = 0; i < MANY; i++) /* as many as there may be; then the oldest is waited for */
        upload(context, &uploads, i, once, all);
    assert_int_equal(uploads.count, at_once ? 1 : CLR_UPLOAD_SLOTS);
    check_all(context, all, MANY);
    clr_uploads_free(&uploads);
    clr_buffer_destroy(&once);
    clr_buffer_destroy(&all);
}

/* Where nobody may wait there are as many slots as uploads under way, and no more later. */
static void as_many_as_are_under_way(void **state)
{
    clrnn_context *context = *state;
    clr_uploads uploads = {.never_waits = true};
    cl_mem once = NULL, all = NULL;
    assert_int_equal(clr_buffer_create(context, BYTES, &once), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, MANY * BYTES, &all), CLRNN_OK);
    for (int round = 0; round < 2; round++) {
        long waits = clr_waits();
        cl_event gate = test_queue_hold(context);
        for (int i = 0; i < MANY; i++)
            upload(context, &uploads, i, once, all);
        assert_int_equal(uploads.count, gate ? MANY : 1);
        assert_int_equal(clr_waits(), waits);
        test_queue_release(gate);
        check_all(context, all, MANY);
    }
    clr_uploads_free(&uploads);
    assert_true(uploads.never_waits);
    clr_buffer_destroy(&once);
    clr_buffer_destroy(&all);
}

/* One after the other needs no more than one slot, which becomes as large as it must. */
static void a_slot_is_used_again(void **state)
{
    clrnn_context *context = *state;
    clr_uploads uploads = {.count = 0};
    cl_mem buffer = NULL;
    unsigned char sent[3000], read[3000];
    assert_int_equal(clr_buffer_create(context, sizeof sent, &buffer), CLRNN_OK);
    for (size_t i = 1; i <= 30; i++) {
        size_t bytes = 100 * (i % 2 ? i : 31 - i);
        void *memory = NULL, *again = NULL;
        memset(sent, (int)i, bytes);
        assert_int_equal(clr_uploads_take(context, &uploads, bytes, &memory), CLRNN_OK);
        assert_int_equal(clr_uploads_take(context, &uploads, bytes, &again), CLRNN_OK);
        assert_ptr_equal(memory, again); /* what is not sent is free */
        memcpy(memory, sent, bytes);
        assert_int_equal(clr_uploads_send(context, &uploads, bytes, buffer), CLRNN_OK);
        assert_int_equal(clr_buffer_read(context, buffer, 0, bytes, read), CLRNN_OK);
        assert_memory_equal(sent, read, bytes);
    }
    assert_int_equal(uploads.count, 1);
    assert_int_equal(clr_uploads_copy(context, &uploads, sent, 3000, NULL), CLRNN_ERR_RANGE);
    clr_uploads_free(&uploads);
    clr_uploads_free(&uploads);
    clr_buffer_destroy(&buffer);
}

/* Slots so large that only a few are allowed: the oldest is waited for, though more are free to be
 * made. */
static void large_arrays_are_few(void **state)
{
    clrnn_context *context = *state;
    const size_t bytes = CLR_UPLOAD_ROOM / 4;
    clr_uploads uploads = {.count = 0};
    unsigned char *data = calloc(bytes, 1);
    cl_mem buffer = NULL;
    assert_non_null(data);
    assert_int_equal(clr_buffer_create(context, bytes, &buffer), CLRNN_OK);
    for (int i = 0; i < 3 * CLR_UPLOAD_FEW; i++)
        assert_int_equal(clr_uploads_copy(context, &uploads, data, bytes, buffer), CLRNN_OK);
    assert_in_range(uploads.count, 1, CLR_UPLOAD_FEW);
    clr_uploads_free(&uploads);
    clr_buffer_destroy(&buffer);
    free(data);
}

/* Each call refused in turn: it is reported, and nothing stays alive (test_close). */
static void failures(void **state)
{
    clrnn_context *context = *state;
    const clr_fault faults[] = {CLR_FAULT_OPENCL, CLR_FAULT_MEMORY};
    cl_mem buffer = NULL;
    assert_int_equal(clr_buffer_create(context, BYTES, &buffer), CLRNN_OK);
    for (int f = 0; f < 2; f++) {
        clrnn_status status = CLRNN_ERR_MEMORY;
        long k = 1;
        for (; status != CLRNN_OK && k < 1000; k++) {
            const unsigned char data[BYTES] = {0};
            clr_uploads uploads = {.count = 0};
            test_last_error[0] = 0;
            clr_fault_inject(faults[f], k);
            status = CLRNN_OK;
            for (int i = 0; i < 3 && status == CLRNN_OK; i++)
                status = clr_uploads_copy(context, &uploads, data, BYTES, buffer);
            clr_fault_inject(faults[f], 0);
            assert_true(status == CLRNN_OK || test_last_error[0]);
            clr_uploads_free(&uploads);
        }
        assert_in_range(k, f ? 2 : 4, 999);
    }
    clr_buffer_destroy(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slots_until_they_are_read, test_open, test_close),
        cmocka_unit_test_setup_teardown(as_many_as_are_under_way, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_slot_is_used_again, test_open, test_close),
        cmocka_unit_test_setup_teardown(large_arrays_are_few, test_open, test_close),
        cmocka_unit_test_setup_teardown(failures, test_open, test_close),
    };
    return cmocka_run_group_tests_name("upload", tests, NULL, NULL);
}
