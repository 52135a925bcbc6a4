# SPDX-License-Identifier: MIT
"""Deliberate bugs of streams, and of the kernel for one row of a small network: tools/mutations.py."""

STREAMS = [
    ("single-in-one-chain", "test_persistent", [
        ("cl/persistent_single.cl", "const uint chains = CHAINS_OF(w->R);", "const uint chains = 1;"),
        ("cl/persistent_single.cl", "min(w->R - k, (uint)LEAST_CHAIN)", "w->R")]),
    ("single-last-chain-begins", "test_persistent", [
        ("cl/persistent_single.cl", "chains == 2 ? 1 - i : i", "chains == 2 ? 0 : i")]),
    ("single-gathered-chain", "test_persistent", [
        ("cl/persistent_single.cl", "    rows += (size_t)k0 * strips * STRIP;\n", "")]),
    ("single-gathered-phase", "test_persistent", [
        ("cl/persistent_single.cl", "phase ? (size_t)w->R * STRIPS_OF(0) * STRIP : 0", "0")]),
    ("single-gathered-over-gates", "test_persistent", [
        ("cl/persistent_single.cl", "w.I <= SINGLE_INPUTS ? 0 : w.block", "0")]),
    ("products-before-a-scan-of-blocks", "test_native", [
        ("host/layer/scanner.c", "multiplied ? steps : block_of", "block_of")]),
    ("products-before-the-first-block-alone", "test_stream", [
        ("host/layer/scanner.c", "steps == total && !multiplied", "steps == total")]),
    ("products-built-in-a-block", "test_stream_errors", [
        ("host/layer/persistent.c", "status == CLRNN_OK && has_many_inputs(plan, 0)", "false")]),
    ("blocks-shared-too-soon", "test_real_time", [
        ("host/layer/persistent.c", "small_launch = 1u << 22, small_stack = 1u << 20",
         "small_launch = 1u << 21, small_stack = 1u << 19")]),
    ("states-in-place", "test_stream", [
        ("host/layer/forward.c", "(pass->steps > 1 || first.buffer != last.buffer)", "true")]),
    ("single-state-of-the-first-row", "test_persistent", [
        ("cl/persistent_single.cl", "load_some(w->c_first + (size_t)n * w->H + v * VEC",
         "load_some(w->c_first + v * VEC")]),
    ("single-inputs-of-the-first-row", "test_persistent", [
        ("cl/persistent_single.cl", " + (size_t)n * CELL_GATES * w->H;", ";")]),
    ("blocks-of-any-stream", "test_stream", [
        ("host/layer/forward.c", "? ++plan->numbered : 0;", "? 1 : 0;")]),
    ("blocks-with-old-weights", "test_stream", [
        ("host/layer/plan.c", "    plan->repeatable = 0;\n", "")]),
    ("blocks-after-another-pass", "test_stream", [
        ("host/layer/forward.c", "    plan->repeatable = 0;\n", ""),
        ("host/layer/forward.c", "    plan->repeatable = status == CLRNN_OK && calls == 1 ? pass->number : 0;",
         "    if (calls == 1 && pass->number)\n        plan->repeatable = pass->number;")]),
    ("blocks-of-two-launches", "test_stream", [
        ("host/layer/forward.c", "status == CLRNN_OK && calls == 1", "status == CLRNN_OK")]),
]
