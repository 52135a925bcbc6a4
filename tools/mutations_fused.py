# SPDX-License-Identifier: MIT
"""Deliberate bugs of the strategy fused: tools/mutations.py."""

FUSED = "cl/fused"

MUTATIONS_FUSED = [
    ("fused-rows-of-an-item", "test_fused", [
        (FUSED + "_product.cl", "if (i + r < ROWS_ITEM) acc[i + r][c] =", "if (i + r < 4) acc[i + r][c] =")]),
    ("fused-room-for-sums", "test_fused", [
        ("host/math/fused.c", "(tiles > sums ? tiles : sums)", "(sums > 0 ? tiles : sums)")]),
    ("fused-last-values", "test_fused", [
        (FUSED + "_product.cl", "const uint count = min(p->K - k, (uint)DEPTH);",
         "const uint count = min(p->K - k, (uint)8);")]),
    ("fused-block", "test_fused", [
        (FUSED + "_product.cl", "(k + DEPTH) % chain == 0", "k > p->K")]),
    ("fused-row", "test_fused", [
        (FUSED + "_product.cl", "min(p->row0 + at / DEPTH, p->N - 1)", "min(p->row0 + at / DEPTH, 63u)")]),
    ("fused-second-tile", "test_fused", [
        (FUSED + ".cl", "p->row0 = (uint)get_group_id(1) * HEIGHT;", "p->row0 = 0;")]),
    ("fused-panel", "test_fused", [
        (FUSED + ".cl", "(size_t)(gate * count + min(number, count - 1))",
         "(size_t)(gate * count + min(number, count > 1 ? count - 2 : 0))")]),
    ("fused-scale", "test_fused", [
        (FUSED + "_product.cl", "p->unit0 / SIDE + c / (GATES)), x);", "p->unit0 / SIDE), x);")]),
    ("fused-directions", "test_fused", [
        (FUSED + "_forward.cl", "pick_arrays(l, d, &at);", "pick_arrays(l, 0, &at);")]),
    ("fused-directions-back", "test_fused", [
        (FUSED + "_backward.cl", "pick_arrays(l, d, &at);", "pick_arrays(l, 0, &at);")]),
    ("fused-after-the-last", "test_fused", [
        (FUSED + "_backward.cl", "    if (next->index >= w->count)\n        return;\n", "")]),
    ("fused-dh", "test_fused", [
        (FUSED + "_backward.cl", "#define START w->dh[(size_t)n * w->R + unit]", "#define START (REAL)0")]),
    ("fused-candidate", "test_fused", [
        (FUSED + "_forward.cl", "stored_at(w.recurrent, FIRST_GATES * gate)", "stored_at(w.recurrent, gate)")]),
    ("fused-projection", "test_fused", [
        (FUSED + "_forward.cl", ": stored_at(w.projection, 0),", ": stored_at(w.recurrent, 0),")]),
    ("fused-tiles", "test_fused", [
        ("host/math/fused.c", "return (units + side * blocks - 1) / (side * blocks);",
         "return units / (side * blocks) + (units < side * blocks);")]),
    ("fused-steps-missing", "test_fused", [
        ("host/layer/fused.c", "for (uint32_t k = 0; k < steps * phases &&",
         "for (uint32_t k = 0; k < steps &&")]),
    ("fused-small-rooms", "test_fused", [
        ("host/math/fused.c", "while (k.rows > side && local_bytes", "while (k.rows > 999 && local_bytes")]),
    ("fused-for-few-rows", "test_fused", [
        ("host/layer/cost.c", "of_resident(network, units, rows) <= of_fused", "of_resident(network, units, rows) > of_fused")]),
    ("launch-again", "test_vectors test_fused", [
        ("host/device/launch.c", "kernel, (cl_uint)(first + i),", "kernel, (cl_uint)(first + i + 1),")]),
]
