/* SPDX-License-Identifier: MIT
 * cl/cell.cl - what a cell's file says to the strategies, and the options of a network. After
 * cl/prelude.cl, before the cell; host/math/cell.h reads this file too.
 *
 *     CELL_GATES         G
 *     CELL_PHASES        products with recurrent weights in a step, 1 or 2: the first multiplies
 *                        h_{t-1}, the second the first value that the first phase saves
 *     CELL_FIRST(phase)  the first gate of a phase; CELL_FIRST(CELL_PHASES) is G
 *     CELL_OPEN          how many gates, from 0 on, get their da only after the product back of
 *                        the second phase
 *     CELL_MEMORY        1: there is a cell state c
 *     CELL_TWO_INPUTS    1: du, the gradient of u = U h + b_hh, is not da, that of a = W x + b_ih
 *     CELL_PARAMS        numbers of a unit that are no bias, there with OPTION_PARAMS
 *     CELL_SAVES         values of a unit that the first phase saves beside its gates
 *
 * and has the equations for VEC units, that follow the sums of a phase:
 *
 *     REALV cell_forward(options, v, phase, a, u, p, h, c, s, saved)
 *         a, u [G]: those of the phase.  p [CELL_PARAMS]: 0 without OPTION_PARAMS.  h: h_{t-1}.
 *         c: in c_{t-1}, out c_t.  s [G]: the activated gates, in those of the first phase, out
 *         those of this one.  saved [CELL_SAVES]: out in the first phase.  Returns h_t, of the last
 *         phase.
 *     void cell_backward(options, v, phase, s, p, saved, h_prev, c_prev, c, d, dc, da, du, dh_prev)
 *         The phases in reverse.  d: in the last phase dLoss/dh_t, before it that of saved[0].
 *         dc: in dLoss/dc_t as it comes from step t+1, out dLoss/dc_{t-1}.  da, du [G]: out; the
 *         last phase leaves CELL_OPEN gates to the first.  dh_prev: the part of dLoss/dh_{t-1} that
 *         does not go through U: the last phase sets it, the first one adds.
 *
 * and, of a cell with CELL_MEMORY, what of them comes after layer norm, for OPTION_NORM:
 *
 *     REALV cell_output(options, v, s, z)
 *         h_t from the gates and z = LN(c_t), which cell_backward then has in place of c.
 *     REALV cell_output_back(options, v, s, z, dh)
 *         dLoss/dz, which cell_backward then leaves out of dc.
 *
 * `phase` and, in a program for one network, `options` are constants wherever these are called. v:
 * what the launch says with OPTION_RARE (cl/activation.cl); in s then are not the activated gates,
 * but the sums that their functions are of, since not every function tells its slope by its value.
 */
#ifndef CLR_CELL
#define CLR_CELL

/* Options that touch no inner loop, as bits of one word. A program for one network is compiled with
 * OPTIONS, its word, so that conditions on them are constants; without it kernels read the word of
 * the launch, and one program serves all. */
#define OPTION_BIAS      1  /* b_ih and b_hh */
#define OPTION_PROJECTED 2  /* h_t = W_hr times what the cell computes: R = P < H */
#define OPTION_PARAMS    4  /* the CELL_PARAMS numbers of each unit */
#define OPTION_RELU      8  /* RNN: relu in place of tanh */
#define OPTION_KEEPS     16 /* GRU: z is the part of h that is kept */
#define OPTION_COUPLED   32 /* LSTM: f = 1 - i */
/* Values of the launch say which: */
#define OPTION_GATE_CLIP 64
#define OPTION_CELL_CLIP 128
#define OPTION_PROJ_CLIP 256
#define OPTION_FUNCTIONS 512   /* others than the usual ones */
#define OPTION_RESETS    1024  /* flags of a launch may say that the state before a step is 0 */
#define OPTION_ONE_BIAS  2048  /* with OPTION_BIAS: no b_hh */
#define OPTION_NORM      8192  /* layer norm of W x, U h and c: cl/norm_row.cl */
#define OPTION_ZONEOUT   16384 /* units of h may keep their old value: cl/zoneout.cl */
#define OPTION_ZONE_CELL 32768 /* units of c may */

/* With any of these OPTION_RARE is set, too: such cells are computed by code of their own, so that
 * others do not pay for it. A compiler gets RARE in place of OPTIONS, so one program serves all
 * such networks of a cell. */
#define OPTION_RARE 4096
#define OPTIONS_RARE                                                                           \
    (OPTION_COUPLED | OPTION_GATE_CLIP | OPTION_CELL_CLIP | OPTION_FUNCTIONS | OPTION_RESETS | \
     OPTION_NORM | OPTION_ZONEOUT | OPTION_ZONE_CELL)

#define CELL_FUNCTIONS 3 /* f g h of clrnn_network_desc.activations */

/* Gates of the first phase, and of the second, if there is one. */
#define FIRST_GATES  CELL_FIRST(1)
#define SECOND_GATES (CELL_GATES - CELL_FIRST(1))

/* Room for `count` values; OpenCL C has no array of none. */
#define ROOM(count) ((count) > 0 ? (count) : 1)
#endif
