/* SPDX-License-Identifier: MIT
 * model/init_kind.c - which ways of drawing weights fit which network. */
#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "model/init.h"

const char *const clr_init_names[] = {"auto",   "orthogonal", "pytorch", "keras",
                                      "chrono", "irnn",       NULL};

static clrnn_status check_kind(const clr_network *net, const clrnn_init_desc *init,
                               const clrnn_log *log)
{
    const bool keeps = net->cell->keeping.sign != 0 && !net->desc.no_bias;
    if ((unsigned)init->kind > CLRNN_INIT_IRNN)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "model: init kind %d is unknown, not in 0..%d",
                        (int)init->kind, CLRNN_INIT_IRNN);
    if (init->kind == CLRNN_INIT_CHRONO && !keeps)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "model: init chrono sets the biases of the gate that keeps, and this %s "
                        "has none",
                        net->cell->title);
    if (init->kind == CLRNN_INIT_IRNN && (net->desc.nonlinearity != CLRNN_RELU || net->gates != 1))
        return clr_fail(
            log, CLRNN_ERR_ARGUMENT, "model: init irnn is for an RNN with relu, this is %s%s",
            net->gates == 1 ? "one with tanh" : "an ", net->gates == 1 ? "" : net->cell->title);
    return CLRNN_OK;
}

static clrnn_status check_numbers(const clr_network *net, const clrnn_init_desc *init,
                                  const clrnn_log *log)
{
    const bool chrono = init->kind == CLRNN_INIT_CHRONO;
    if (chrono ? init->longest_lag < 2 : init->longest_lag != 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "model: longest_lag is %" PRIu32 ", %s",
                        init->longest_lag,
                        chrono ? "init chrono needs at least 2" : "which only init chrono uses");
    if (!init->has_forget_bias)
        return CLRNN_OK;
    if (chrono || init->kind == CLRNN_INIT_IRNN)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "model: init %s sets all biases, so forget_bias "
                        "has no place",
                        clr_init_names[init->kind]);
    if (net->cell->keeping.sign == 0 || net->desc.no_bias)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "model: forget_bias is that of the gate that keeps, and this %s has none",
                        net->cell->title);
    if (!isfinite(init->forget_bias))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "model: forget_bias is %g, must be finite",
                        init->forget_bias);
    return CLRNN_OK;
}

clrnn_status clr_init_resolve(const clr_network *network, const clrnn_log *log,
                              clrnn_init_desc *init)
{
    const clr_keeping *keeping = &network->cell->keeping;
    clrnn_status status = check_kind(network, init, log);
    if (status == CLRNN_OK)
        status = check_numbers(network, init, log);
    if (status != CLRNN_OK)
        return status;
    const bool automatic = init->kind == CLRNN_INIT_AUTO;
    if (automatic)
        init->kind = CLRNN_INIT_ORTHOGONAL;
    if (!init->has_forget_bias && keeping->sign != 0 && !network->desc.no_bias &&
        (init->kind == CLRNN_INIT_ORTHOGONAL || init->kind == CLRNN_INIT_KERAS)) {
        init->forget_bias = automatic ? 1 : (double)keeping->usual;
        init->has_forget_bias = true;
    }
    return CLRNN_OK;
}
