/* SPDX-License-Identifier: MIT
 * tests/api/trace_cases.h - see tests/api/cases.h: the functions of clrnn/trace.h, and of graphs
 * those for traces. */
#ifndef TEST_API_TRACE_CASES_H
#define TEST_API_TRACE_CASES_H

#define TRACE_CASES(CASE)                                                                        \
    CASE(clrnn_trace_read, plan, MUTE(clrnn_trace_read(NULL, &o.traced, &o.select, o.room)))     \
    CASE(clrnn_trace_read, pass, REFUSED(clrnn_trace_read(o.plan, NULL, &o.select, o.room)))     \
    CASE(clrnn_trace_read, select, REFUSED(clrnn_trace_read(o.plan, &o.traced, NULL, o.room)))   \
    CASE(clrnn_trace_read, out, REFUSED(clrnn_trace_read(o.plan, &o.traced, &o.select, NULL)))   \
    CASE(clrnn_trace_measure, plan,                                                              \
         MUTE(clrnn_trace_measure(NULL, &o.traced, &o.select, CLRNN_TRACE_WHOLE, o.figures)))    \
    CASE(clrnn_trace_measure, pass,                                                              \
         REFUSED(clrnn_trace_measure(o.plan, NULL, &o.select, CLRNN_TRACE_WHOLE, o.figures)))    \
    CASE(clrnn_trace_measure, select,                                                            \
         REFUSED(clrnn_trace_measure(o.plan, &o.traced, NULL, CLRNN_TRACE_WHOLE, o.figures)))    \
    CASE(clrnn_trace_measure, out,                                                               \
         REFUSED(clrnn_trace_measure(o.plan, &o.traced, &o.select, CLRNN_TRACE_WHOLE, NULL)))    \
    CASE(clrnn_trace_half_lives, plan,                                                           \
         MUTE(clrnn_trace_half_lives(NULL, &o.traced, &o.select, o.doubles)))                    \
    CASE(clrnn_trace_half_lives, pass,                                                           \
         REFUSED(clrnn_trace_half_lives(o.plan, NULL, &o.select, o.doubles)))                    \
    CASE(clrnn_trace_half_lives, select,                                                         \
         REFUSED(clrnn_trace_half_lives(o.plan, &o.traced, NULL, o.doubles)))                    \
    CASE(clrnn_trace_half_lives, out,                                                            \
         REFUSED(clrnn_trace_half_lives(o.plan, &o.traced, &o.select, NULL)))                    \
    CASE(clrnn_trace_watch, plan, MUTE(clrnn_trace_watch(NULL, &o.traced, &o.fault)))            \
    CASE(clrnn_trace_watch, pass, REFUSED(clrnn_trace_watch(o.plan, NULL, &o.fault)))            \
    CASE(clrnn_trace_watch, fault, REFUSED(clrnn_trace_watch(o.plan, &o.traced, NULL)))          \
    CASE(clrnn_trace_fault_text, plan, MUTE(clrnn_trace_fault_text(NULL, &o.fault, o.text, 64))) \
    CASE(clrnn_trace_fault_text, fault, MUTE(clrnn_trace_fault_text(o.plan, NULL, o.text, 64)))  \
    CASE(clrnn_trace_fault_text, text, MUTE(clrnn_trace_fault_text(o.plan, &o.fault, NULL, 64))) \
    CASE(clrnn_graph_plan_trace, plan,                                                           \
         MUTE(clrnn_graph_plan_trace(NULL, 1, &o.no_plan, &o.there.forward)))                    \
    CASE(clrnn_graph_plan_trace, own,                                                            \
         REFUSED(clrnn_graph_plan_trace(o.graph_plan, 1, NULL, &o.there.forward)))               \
    CASE(clrnn_graph_plan_trace, pass,                                                           \
         REFUSED(clrnn_graph_plan_trace(o.graph_plan, 1, &o.no_plan, NULL)))                     \
    CASE(clrnn_graph_plan_state_gradients, plan,                                                 \
         MUTE(clrnn_graph_plan_state_gradients(NULL, 1, o.x, o.x)))                              \
    CASE(clrnn_graph_plan_state_gradients, dh,                                                   \
         FINE(clrnn_graph_plan_state_gradients(o.graph_plan, 1, (clrnn_slice){0}, o.x)))         \
    CASE(clrnn_graph_plan_state_gradients, dc,                                                   \
         FINE(clrnn_graph_plan_state_gradients(o.graph_plan, 1, o.x, (clrnn_slice){0})))

#endif
