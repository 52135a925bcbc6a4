/* SPDX-License-Identifier: MIT
 * tests/graph/test_items.c - where arrays lie does not depend on where their places are kept. */
#include <stdint.h>

#include "support.h"

#include "graph/items.h"

enum { COUNT = 8 };

/* Equal arrays that are all there at the same time, their places from the last or the first on. */
static void test_order(void **state)
{
    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        size_t places[COUNT], total = 0;
        clr_items list = {0};
        assert_true(clr_items_make(&list, COUNT));
        for (int i = 0; i < COUNT; i++)
            clr_items_add(&list, &places[turned ? COUNT - 1 - i : i], 16, 0, 1);
        assert_int_equal(clr_items_place(&list, 2, &total), CLRNN_OK);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(places[turned ? COUNT - 1 - i : i], 16 * i);
        assert_int_equal(total, 16 * COUNT);
        clr_items_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
