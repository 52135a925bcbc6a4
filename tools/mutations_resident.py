# SPDX-License-Identifier: MIT
"""Deliberate bugs of the strategy resident: tools/mutations.py."""

RESIDENT = "cl/resident"

MUTATIONS_RESIDENT = [
    ("resident-padding", "test_resident", [
        (RESIDENT + ".cl", "in < OF(p, chain) && k0 + in < OF(p, K) ? some[j] : NOTHING", "some[j]")]),
    ("resident-lane-left-out", "test_resident", [
        (RESIDENT + "_product.cl", "lane = 0; lane < lanes; lane++", "lane = 0; lane < min(lanes, 8u); lane++")]),
    ("resident-keeps-for-all", "test_resident", [
        (RESIDENT + "_product.cl", "use_kept && round == 0 && unit0 == OF(p, unit0)", "use_kept && round == 0")]),
    ("resident-fallbacks-with-kept", "test_resident", [
        (RESIDENT + "_forward.cl", "s.h_prev, l.R, row0, row1, l.rows, !fallback,",
         "s.h_prev, l.R, row0, row1, l.rows, true,")]),
    ("resident-barrier", "test_resident", [
        (RESIDENT + ".cl", "now->stays = phase_end", "now->stays = true; if (phases > 3) phase_end")]),
    ("resident-gate-step", "test_resident", [
        (RESIDENT + "_forward.cl", "stored_at(w->recurrent, FIRST_GATES * first->gate_step", "stored_at(w->recurrent, first->gate_step")]),
    ("resident-dproj", "test_resident", [
        (RESIDENT + "_backward.cl", "(size_t)s.index * l.N * R, R,", "0, R,")]),
    ("resident-directions", "test_resident", [
        (RESIDENT + "_backward.cl", "group < l->row_parts * parts ? 0 : 1", "0")]),
    ("resident-own-memory", "test_resident", [
        ("host/math/resident.c", "kernel->own_bytes + aligned(rows *", "aligned(rows *")]),
    ("resident-tile", "test_resident", [
        (RESIDENT + ".cl", "min(k0 + first * PIECE + asked,", "min(k0 + asked,")]),
    ("resident-brought-rows", "test_resident", [
        (RESIDENT + ".cl", "min(asked_row, rows - 1) * stride", "min(row, rows - 1) * stride")]),
    ("resident-brought-nowhere", "test_resident", [
        (RESIDENT + ".cl", "is_left_over(p) || own_place(p) >= OF(p, filled) ? 0 : rows", "is_left_over(p) ? 0 : rows")]),
    ("resident-tile-of-each-unit", "test_resident", [
        (RESIDENT + "_product.cl", "if (unit0 == OF(p, unit0) || !all_there)",
         "if (unit0 == OF(p, unit0))")]),
    ("resident-kept-of-later-tiles", "test_resident", [
        (RESIDENT + "_rows.cl", "begin = use_kept && first == 0 ? KEEPS : first;",
         "begin = use_kept ? KEEPS : first;")]),
    ("resident-room", "test_resident", [
        ("host/math/resident.c", "room = (clr_resident_room){rows, tile,", "room = (clr_resident_room){rows, tile + 1,")]),
    ("resident-kept-in-each-round", "test_resident", [
        (RESIDENT + "_product.cl", "use_kept && round == 0 && unit0 == OF(p, unit0)",
         "use_kept && unit0 == OF(p, unit0)")]),
    ("resident-round-of-first-chains", "test_resident", [
        (RESIDENT + ".cl", "k0 = (round * OF(p, lanes) + lane) * OF(p, chain)", "k0 = lane * OF(p, chain)")]),
    ("resident-rounds-not-added", "test_resident", [
        (RESIDENT + "_product.cl", "round && own_lane(p) == 0 ? *to : NOTHING", "NOTHING")]),
    ("resident-adds-at-the-end", "test_resident", [
        ("cl/resident_backward.cl", "#define START w->dh[(size_t)n * w->R + unit]\n#define EACH  w->dh[(size_t)n * w->R + unit] = sum[0]\n",
         "#define EACH  w->dh[(size_t)n * w->R + unit] += sum[0]\n")]),
    ("lanes-begin-anywhere", "test_stored_plans", [
        ("host/layer/weights.c", "(step - at.value % step) % step", "at.value % 1")]),
    ("lanes-scale", "test_stored_plans", [
        (RESIDENT + ".cl", "take % gates * p->gate_step))[unit_of(p, unit, gates, take)]", "take % gates * p->gate_step))[0]")]),
    ("lanes-head", "test_stored_plans", [
        (RESIDENT + ".cl", "p->gate_step + (STORAGE == 3 ? LANES_HEAD(OF(p, units)) : 0) +",
         "p->gate_step + (STORAGE == 3 ? LANES_HEAD(OF(p, units) - 1) : 0) +")]),
]
