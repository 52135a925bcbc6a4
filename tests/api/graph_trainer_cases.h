/* SPDX-License-Identifier: MIT
 * tests/api/graph_trainer_cases.h - the cases of clrnn/graph_trainer.h, and of graphs elsewhere,
 * for tests/api/cases.h. */
#ifndef TEST_API_GRAPH_TRAINER_CASES_H
#define TEST_API_GRAPH_TRAINER_CASES_H

#define GRAPH_TRAINER_CASES(CASE)                                                                  \
    CASE(clrnn_graph_trainer_create, context,                                                      \
         MUTE(clrnn_graph_trainer_create(NULL, o.graph, &o.graph_training, &o.nobody)))            \
    CASE(clrnn_graph_trainer_create, graph,                                                        \
         REFUSED(clrnn_graph_trainer_create(o.context, NULL, &o.graph_training, &o.nobody)))       \
    CASE(clrnn_graph_trainer_create, desc,                                                         \
         REFUSED(clrnn_graph_trainer_create(o.context, o.graph, NULL, &o.nobody)))                 \
    CASE(clrnn_graph_trainer_create, trainer,                                                      \
         REFUSED(clrnn_graph_trainer_create(o.context, o.graph, &o.graph_training, NULL)))         \
    CASE(clrnn_graph_trainer_step, trainer,                                                        \
         MUTE(clrnn_graph_trainer_step(NULL, &o.graph_batch, &o.number)))                          \
    CASE(clrnn_graph_trainer_step, batch,                                                          \
         REFUSED(clrnn_graph_trainer_step(o.graph_trainer, NULL, &o.number)))                      \
    CASE(clrnn_graph_trainer_step, loss,                                                           \
         FINE(clrnn_graph_trainer_step(o.graph_trainer, &o.graph_batch, NULL)))                    \
    CASE(clrnn_graph_trainer_differentiate, trainer,                                               \
         MUTE(clrnn_graph_trainer_differentiate(NULL, &o.graph_batch, &o.number, o.doubles)))      \
    CASE(clrnn_graph_trainer_differentiate, batch,                                                 \
         REFUSED(clrnn_graph_trainer_differentiate(o.graph_trainer, NULL, &o.number, o.doubles)))  \
    CASE(clrnn_graph_trainer_differentiate, loss,                                                  \
         REFUSED(                                                                                  \
             clrnn_graph_trainer_differentiate(o.graph_trainer, &o.graph_batch, NULL, o.doubles))) \
    CASE(clrnn_graph_trainer_differentiate, norm,                                                  \
         REFUSED(                                                                                  \
             clrnn_graph_trainer_differentiate(o.graph_trainer, &o.graph_batch, &o.number, NULL))) \
    CASE(clrnn_graph_trainer_evaluate, trainer,                                                    \
         MUTE(clrnn_graph_trainer_evaluate(NULL, &o.graph_batch, &o.number, &o.counted)))          \
    CASE(clrnn_graph_trainer_evaluate, batch,                                                      \
         REFUSED(clrnn_graph_trainer_evaluate(o.graph_trainer, NULL, &o.number, &o.counted)))      \
    CASE(clrnn_graph_trainer_evaluate, sums,                                                       \
         REFUSED(clrnn_graph_trainer_evaluate(o.graph_trainer, &o.graph_batch, NULL, &o.counted))) \
    CASE(clrnn_graph_trainer_evaluate, counts,                                                     \
         REFUSED(clrnn_graph_trainer_evaluate(o.graph_trainer, &o.graph_batch, &o.number, NULL)))  \
    CASE(clrnn_trainer_get_parameters, trainer, MUTE(clrnn_trainer_get_parameters(NULL, o.room)))  \
    CASE(clrnn_trainer_get_parameters, parameters,                                                 \
         REFUSED(clrnn_trainer_get_parameters(o.trainer, NULL)))                                   \
    CASE(clrnn_trainer_set_parameters, trainer,                                                    \
         MUTE(clrnn_trainer_set_parameters(NULL, o.numbers)))                                      \
    CASE(clrnn_trainer_set_parameters, parameters,                                                 \
         REFUSED(clrnn_trainer_set_parameters(o.trainer, NULL)))                                   \
    CASE(clrnn_graph_to_tensors, graph, MUTE(clrnn_graph_to_tensors(NULL, o.set)))                 \
    CASE(clrnn_graph_to_tensors, set, REFUSED(clrnn_graph_to_tensors(o.graph, NULL)))              \
    CASE(clrnn_graph_from_tensors, set,                                                            \
         REFUSED(clrnn_graph_from_tensors(NULL, CLRNN_F32, &test_log, &o.no_graph)))               \
    CASE(clrnn_graph_from_tensors, log,                                                            \
         clrnn_graph_from_tensors(o.set, CLRNN_F32, NULL, &o.no_graph) == CLRNN_ERR_FORMAT)        \
    CASE(clrnn_graph_from_tensors, graph,                                                          \
         REFUSED(clrnn_graph_from_tensors(o.set, CLRNN_F32, &test_log, NULL)))                     \
    CASE(clrnn_data_score_graph, data,                                                             \
         MUTE(clrnn_data_score_graph(NULL, o.graph_plan, "y", CLRNN_PART_TEST, &o.score)))         \
    CASE(clrnn_data_score_graph, plan,                                                             \
         REFUSED(clrnn_data_score_graph(o.data, NULL, "y", CLRNN_PART_TEST, &o.score)))            \
    CASE(clrnn_data_score_graph, output, /* its first, which has as many as it should not */       \
         REFUSED(clrnn_data_score_graph(o.data, o.graph_plan, NULL, CLRNN_PART_TEST, &o.score)))   \
    CASE(clrnn_data_score_graph, score,                                                            \
         REFUSED(clrnn_data_score_graph(o.data, o.graph_plan, "y", CLRNN_PART_TEST, NULL)))        \
    CASE(clrnn_data_predict_graph, data,                                                           \
         MUTE(clrnn_data_predict_graph(NULL, o.graph_plan, "y", o.doubles)))                       \
    CASE(clrnn_data_predict_graph, plan,                                                           \
         REFUSED(clrnn_data_predict_graph(o.data, NULL, "y", o.doubles)))                          \
    CASE(clrnn_data_predict_graph, output,                                                         \
         REFUSED(clrnn_data_predict_graph(o.data, o.graph_plan, NULL, o.doubles)))                 \
    CASE(clrnn_data_predict_graph, out,                                                            \
         REFUSED(clrnn_data_predict_graph(o.data, o.graph_plan, "y", NULL)))

#endif
