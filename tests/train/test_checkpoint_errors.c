/* SPDX-License-Identifier: MIT
 * tests/train/test_checkpoint_errors.c - a file that does not fit, or that cannot be written or
 * read to the end, changes nothing. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <clrnn/tensors.h>

#include "base/memory.h"
#include "device/context.h"
#include "model/model.h"
#include "model/tensors.h"

/* --- what does not fit ---------------------------------------------------------------------- */

/* The trainer refuses the file with this reason, and then goes on as if nothing had been. */
static void refuse(const run *r, run_path path, clrnn_status status, const char *reason)
{
    double *before = task_parameters(r->model);
    uint64_t done = clrnn_trainer_steps_done(r->trainer);
    assert_int_equal(clrnn_trainer_resume(r->trainer, path.text), status);
    assert_error_contains(reason);
    double *after = task_parameters(r->model);
    assert_memory_equal(before, after, r->model->count * sizeof *before);
    assert_int_equal(clrnn_trainer_steps_done(r->trainer), done);
    free(before);
    free(after);
}

/* One tensor or metadata string of a checkpoint, to be replaced or left out (rank 0, value NULL).
 */
typedef struct edit {
    const char *name, *value;
    clrnn_dtype dtype;
    uint32_t rank;
    uint64_t shape[3];
    const char *reason; /* for which the result must be refused */
} edit;

static run_path edited(run_path path, const edit *e)
{
    const run_path out = run_file("edited.safetensors");
    clrnn_tensors *from = NULL, *to = NULL;
    bool found = false;
    assert_int_equal(clrnn_tensors_load(path.text, &test_log, &from), CLRNN_OK);
    assert_int_equal(clrnn_tensors_create(&test_log, &to), CLRNN_OK);
    for (size_t i = 0; i < clrnn_tensors_count(from); i++) {
        const clrnn_tensor *t = clrnn_tensors_at(from, i);
        bool hit = strcmp(t->name, e->name) == 0;
        found = found || hit;
        if (!hit)
            assert_int_equal(clrnn_tensors_add(to, t->name, t->dtype, t->rank, t->shape, t->data),
                             CLRNN_OK);
        else if (e->rank)
            assert_int_equal(clrnn_tensors_add(to, t->name, e->dtype, e->rank, e->shape, NULL),
                             CLRNN_OK);
    }
    for (size_t i = 0; i < from->metadata_count; i++) {
        bool hit = strcmp(from->metadata[i].key, e->name) == 0;
        const char *text = hit ? e->value : from->metadata[i].value;
        found = found || hit;
        if (text)
            assert_int_equal(clrnn_tensors_set_metadata(to, from->metadata[i].key, text), CLRNN_OK);
    }
    assert_true(found);
    assert_int_equal(clrnn_tensors_save(to, out.text), CLRNN_OK);
    clrnn_tensors_destroy(&from);
    clrnn_tensors_destroy(&to);
    return out;
}

static void damaged_checkpoints(void **state)
{
    const run_path path = run_file("good.safetensors");
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 1, CLRNN_F32);
    run r = run_open(*state, &desc, &run_options, 1),
        other = run_open(*state, &desc, &run_options, 1);
    (void)run_train(&r, 0, 2);
    (void)run_train(&other, 0, 2);
    assert_int_equal(clrnn_trainer_save(r.trainer, path.text), CLRNN_OK);
    uint64_t count = r.model->count;
    const edit edits[] = {
        {"clrnn.train.step", NULL, 0, 0, {0}, "clrnn.train.step is missing"},
        {"clrnn.train.step", "-1", 0, 0, {0}, "clrnn.train.step is \"-1\""},
        {"clrnn.train.step", "2x", 0, 0, {0}, "clrnn.train.step is \"2x\""},
        {"clrnn.train.step", "", 0, 0, {0}, "clrnn.train.step is \"\""},
        {"clrnn.train.step", "18446744073709551616", 0, 0, {0}, "clrnn.train.step"},
        {"clrnn.train.optimizer", "sgd", 0, 0, {0}, "clrnn.train.optimizer is sgd"},
        {"clrnn.train.optimizer", NULL, 0, 0, {0}, "clrnn.train.optimizer is missing"},
        {"clrnn.train.seed", "3", 0, 0, {0}, "clrnn.train.seed is 3"},
        {"clrnn.train.max_batch", "3", 0, 0, {0}, "clrnn.train.max_batch is 3"},
        {"clrnn.train.carry_state", "0", 0, 0, {0}, "clrnn.train.carry_state is 0"},
        {"clrnn.train.clip", NULL, 0, 0, {0}, "clrnn.train.clip is missing"},
        {"optimizer.m", NULL, 0, 0, {0}, "optimizer.m is missing"},
        {"optimizer.v", NULL, CLRNN_DTYPE_F32, 1, {count - 1}, "optimizer.v is F32"},
        {"optimizer.v", NULL, CLRNN_DTYPE_F64, 1, {count}, "optimizer.v is F64"},
        {"optimizer.m", NULL, CLRNN_DTYPE_F32, 2, {count, 1}, "optimizer.m is F32"},
        {"state.h", NULL, CLRNN_DTYPE_F32, 3, {1, N, HIDDEN + 1}, "state.h is F32 [1,2,6]"},
        {"state.h", NULL, CLRNN_DTYPE_F32, 3, {N, 1, HIDDEN}, "state.h is F32 [2,1,5]"},
        {"state.c", NULL, 0, 0, {0}, "state.c is missing"},
        {"head.bias", NULL, 0, 0, {0}, "head.bias"},
        {"clrnn", "{", 0, 0, {0}, "clrnn"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
        refuse(&r, edited(path, &edits[i]), CLRNN_ERR_FORMAT, edits[i].reason);
    refuse(&r, run_file("missing.safetensors"), CLRNN_ERR_IO, "missing.safetensors");
    assert_int_equal(clrnn_model_save(r.model, run_file("plain.safetensors").text), CLRNN_OK);
    refuse(&r, run_file("plain.safetensors"), CLRNN_ERR_FORMAT, "is not a checkpoint");
    assert_int_equal(clrnn_trainer_resume(r.trainer, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_resume(NULL, path.text), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_save(r.trainer, NULL), CLRNN_ERR_ARGUMENT);
    /* Moments, carried state and dropout are as they were, too. */
    assert_true(run_train(&r, 2, 3) == run_train(&other, 2, 3));
    assert_same_parameters(&r, &other);
    run_close(&r);
    run_close(&other);
}

static void cut_short(void **state)
{
    const run_path path = run_file("whole.safetensors"), cut = run_file("cut.safetensors");
    clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    run r = run_open(*state, &desc, &run_options, 1);
    (void)run_train(&r, 0, 1);
    assert_int_equal(clrnn_trainer_save(r.trainer, path.text), CLRNN_OK);
    struct stat info;
    assert_int_equal(stat(path.text, &info), 0);
    size_t size = (size_t)info.st_size;
    char *bytes = malloc(size);
    FILE *in = fopen(path.text, "rb");
    assert_true(bytes && in && fread(bytes, 1, size, in) == size);
    fclose(in);
    for (size_t keep = 0; keep < size; keep += 1 + size / 37) {
        FILE *out = fopen(cut.text, "wb");
        assert_true(out && fwrite(bytes, 1, keep, out) == keep && fclose(out) == 0);
        refuse(&r, cut, CLRNN_ERR_FORMAT, "cut.safetensors");
    }
    free(bytes);
    run_close(&r);
}

static void other_models(void **state)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_EMBEDDING, 2, CLRNN_F32);
    desc.vocabulary = (const uint8_t *)"abcdef";
    const run_path path = run_file("gru.safetensors");
    run r = run_open(*state, &desc, &run_options, 1);
    assert_int_equal(clrnn_trainer_save(r.trainer, path.text), CLRNN_OK);
    run_close(&r);
    clrnn_model_desc d[13];
    for (size_t i = 0; i < 13; i++)
        d[i] = desc;
    d[0].network.cell = CLRNN_CELL_LSTM;
    d[1].network.hidden_size = 6;
    d[2].network.num_layers = 1;
    d[3].network.bidirectional = true;
    d[4].network.no_bias = true;
    d[5].network.gru_reset = CLRNN_RESET_AFTER;
    d[6].network.gru_update = CLRNN_UPDATE_KEEPS;
    d[7].input = CLRNN_INPUT_ONE_HOT, d[7].network.input_size = 0;
    d[8].network.input_size = 4;
    d[9].output_size = 5;
    d[10].vocabulary_size = 5;
    d[11].vocabulary = (const uint8_t *)"uvwxyz";
    d[12].vocabulary = NULL;
    static const char *const reasons[13] = {"cell is",
                                            "hidden_size is 5, this model's is 6",
                                            "num_layers is",
                                            "bidirectional is",
                                            "bias is",
                                            "reset is",
                                            "update is",
                                            "input is",
                                            "input_size is",
                                            "output_size is",
                                            "vocabulary_size is",
                                            "vocabulary differs",
                                            "vocabulary differs"};
    for (size_t i = 0; i < 13; i++) {
        run other = run_open(*state, &d[i], &run_options, 1);
        refuse(&other, path, CLRNN_ERR_FORMAT, reasons[i]);
        run_close(&other);
    }
}

/* --- failures from outside ------------------------------------------------------------------ */

/* Whether call number k of this kind fails and so does `status`; false once there is no such call.
 */
static bool failed(clr_fault kind, clrnn_status status)
{
    clr_fault_inject(kind, 0);
    if (status == CLRNN_OK)
        return false;
    assert_true(strlen(test_last_error) > 0);
    test_last_error[0] = 0;
    return true;
}

/* A full disk, no memory or a driver that refuses: the old checkpoint remains whole. */
static void failed_saves_leave_the_old_checkpoint(void **state)
{
    const run_path path = run_file("old.safetensors");
    clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    run r = run_open(*state, &desc, &run_options, 1),
        old = run_open(*state, &desc, &run_options, 2);
    for (int kind = 0; kind < CLR_FAULT_KINDS; kind++) {
        uint64_t done = clrnn_trainer_steps_done(r.trainer);
        assert_int_equal(clrnn_trainer_save(r.trainer, path.text), CLRNN_OK);
        (void)run_train(&r, (int)done, 1);
        long k = 1;
        for (bool again = true; again && k < 2000; k++) {
            clr_fault_inject((clr_fault)kind, k);
            again = failed((clr_fault)kind, clrnn_trainer_save(r.trainer, path.text));
            assert_int_equal(clrnn_trainer_resume(old.trainer, path.text), CLRNN_OK);
            assert_int_equal(clrnn_trainer_steps_done(old.trainer), again ? done : done + 1);
        }
        assert_in_range(k, 3, 1999);
    }
    run_close(&r);
    run_close(&old);
}

static void failed_resumes_change_nothing(void **state)
{
    const run_path path = run_file("resumed.safetensors");
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    run r = run_open(*state, &desc, &run_options, 1),
        same = run_open(*state, &desc, &run_options, 1);
    (void)run_train(&r, 0, 3);
    assert_int_equal(clrnn_trainer_save(r.trainer, path.text), CLRNN_OK);
    (void)run_train(&same, 0, 5);
    long alive = clr_live_objects();
    for (int kind = CLR_FAULT_MEMORY; kind <= CLR_FAULT_OPENCL; kind++) {
        (void)run_train(&r, 3, 2);
        for (long k = 1; k < 2000; k++) {
            clr_fault_inject((clr_fault)kind, k);
            if (!failed((clr_fault)kind, clrnn_trainer_resume(r.trainer, path.text))) {
                assert_in_range(k, 3, 1999);
                break;
            }
            assert_int_equal(clr_live_objects(), alive);
            assert_int_equal(clrnn_trainer_steps_done(r.trainer), 5);
            if (k % 5 == 1)
                assert_same_parameters(&r, &same);
        }
        assert_int_equal(clrnn_trainer_steps_done(r.trainer), 3);
    }
    assert_true(run_train(&r, 3, 3) == run_train(&same, 5, 1));
    assert_same_parameters(&r, &same);
    run_close(&r);
    run_close(&same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damaged_checkpoints, test_open, test_close),
        cmocka_unit_test_setup_teardown(cut_short, test_open, test_close),
        cmocka_unit_test_setup_teardown(other_models, test_open, test_close),
        cmocka_unit_test_setup_teardown(failed_saves_leave_the_old_checkpoint, test_open,
                                        test_close),
        cmocka_unit_test_setup_teardown(failed_resumes_change_nothing, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
