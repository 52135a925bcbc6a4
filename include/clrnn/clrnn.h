/* SPDX-License-Identifier: MIT
 * clrnn/clrnn.h - everything. Recurrent networks (RNN, LSTM, GRU) on any OpenCL device. */
#ifndef CLRNN_H
#define CLRNN_H

#include <clrnn/buffer.h>
#include <clrnn/context.h>
#include <clrnn/ctc.h>
#include <clrnn/data.h>
#include <clrnn/format.h>
#include <clrnn/graph.h>
#include <clrnn/graph_parameters.h>
#include <clrnn/graph_plan.h>
#include <clrnn/graph_stream.h>
#include <clrnn/graph_trainer.h>
#include <clrnn/model.h>
#include <clrnn/network.h>
#include <clrnn/pack.h>
#include <clrnn/plan.h>
#include <clrnn/problem.h>
#include <clrnn/report.h>
#include <clrnn/status.h>
#include <clrnn/stream.h>
#include <clrnn/tensors.h>
#include <clrnn/text.h>
#include <clrnn/trace.h>
#include <clrnn/trainer.h>
#include <clrnn/tune.h>
#include <clrnn/version.h>

#endif
