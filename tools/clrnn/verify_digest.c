/* SPDX-License-Identifier: MIT
 * verify_digest.c - see verify.h. */
#include "verify_digest.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const kinds[] = {"f32", "f16", "bf16", "int8", "f64"};

/* The order of problems counts. */
static void mix(uint64_t *digest, uint64_t value)
{
    for (unsigned shift = 0; shift < 64; shift += 8)
        *digest = (*digest ^ (value >> shift & 0xff)) * 0x100000001b3u;
}

void tool_digest_add(tool_digests *digests, const clrnn_problem *problem, const clrnn_check *check)
{
    const int kind =
        problem->precision == CLRNN_F64 ? TOOL_DIGEST_KINDS - 1 : (int)problem->weights;
    tool_digest *d = &digests->of[problem->strategy][kind];
    if (problem->strategy == CLRNN_STRATEGY_AUTO)
        return;
    d->problems++;
    mix(&d->forward, check->forward_digest);
    if (problem->train)
        mix(&d->gradients, check->gradient_digest);
}

static void add_text(cJSON *object, const char *name, uint64_t digest)
{
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, digest);
    cJSON_AddStringToObject(object, name, text);
}

void tool_digest_json(const clrnn_check *check, cJSON *object)
{
    add_text(object, "forward_digest", check->forward_digest);
    add_text(object, "gradient_digest", check->gradient_digest);
}

void tool_digest_print(const clrnn_check *check)
{
    printf("      digest %016" PRIx64 "  %016" PRIx64 "\n", check->forward_digest,
           check->gradient_digest);
}

static void report(const char *strategy, const char *kind, const tool_digest *d, cJSON *list)
{
    if (!list) {
        printf("digest  %-10s  %-4s  %016" PRIx64 "  %016" PRIx64 "  %u problems\n", strategy, kind,
               d->forward, d->gradients, d->problems);
        return;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "strategy", strategy);
    cJSON_AddStringToObject(object, "numbers", kind);
    cJSON_AddNumberToObject(object, "problems", d->problems);
    add_text(object, "forward", d->forward);
    add_text(object, "gradients", d->gradients);
    cJSON_AddItemToArray(list, object);
}

void tool_digest_report(const tool_digests *digests, cJSON *device)
{
    cJSON *list = device ? cJSON_AddArrayToObject(device, "digests") : NULL;
    tool_digest all = {0};
    for (int s = 0; s < TOOL_DIGEST_STRATEGIES; s++)
        for (int k = 0; k < TOOL_DIGEST_KINDS; k++) {
            const tool_digest *d = &digests->of[s][k];
            if (d->problems == 0)
                continue;
            report(tool_word(TOOL_STRATEGIES, s), kinds[k], d, list);
            if (s != CLRNN_STRATEGY_STEPWISE || k == TOOL_DIGEST_KINDS - 1)
                continue; /* not every device has the others, or doubles */
            all.problems += d->problems;
            mix(&all.forward, d->forward);
            mix(&all.gradients, d->gradients);
        }
    if (all.problems)
        report("total", "all", &all, list);
}
