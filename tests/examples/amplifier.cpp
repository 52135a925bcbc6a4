/* SPDX-License-Identifier: MIT
 * tests/examples/amplifier.cpp - a guitar amplifier in stereo from C++: its two channels lie apart,
 * as an audio host gives them; it starts from where silence settles; and while it plays another
 * thread turns to another model, which fades in.
 *
 * usage: amplifier_cpp [MODEL.safetensors [ANOTHER.safetensors]]    without files: fresh weights.
 * Prints the loudest sample. */
#include <clrnn/clrnn.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

constexpr std::uint32_t block = 64, channels = 2, fade = 480; /* 10 ms at 48 kHz */

/* An error of the library that was not "no device". */
struct error : std::runtime_error {
    clrnn_status status;
    explicit error(clrnn_status s) : std::runtime_error(clrnn_status_text(s)), status(s) {}
};

void must(clrnn_status status)
{
    if (status != CLRNN_OK)
        throw error(status);
}

/* Owners of what the library makes. */
template <typename T, void (*destroy)(T **)> struct destroyer {
    void operator()(T *object) const { destroy(&object); }
};
using context_ptr = std::unique_ptr<clrnn_context, destroyer<clrnn_context, clrnn_context_destroy>>;
using graph_ptr = std::unique_ptr<clrnn_graph, destroyer<clrnn_graph, clrnn_graph_destroy>>;
using stream_ptr =
    std::unique_ptr<clrnn_graph_stream, destroyer<clrnn_graph_stream, clrnn_graph_stream_destroy>>;

/* y = x + head(lstm(x)), [N,T,1]: the rows of a block are its channels. */
graph_ptr build(std::uint64_t seed)
{
    clrnn_graph *made = nullptr;
    must(clrnn_graph_create(nullptr, nullptr, &made));
    graph_ptr graph(made);
    clrnn_graph_input_desc x = {};
    x.name = "x";
    x.rank = 3;
    x.shape[0] = CLRNN_BATCH;
    x.shape[1] = CLRNN_STEPS;
    x.shape[2] = 1;
    must(clrnn_graph_input(made, &x));
    clrnn_node_desc rnn = {}, head = {}, mix = {};
    rnn.kind = CLRNN_NODE_RECURRENT;
    rnn.name = "rnn";
    rnn.network.hidden_size = 40;
    head.kind = CLRNN_NODE_DENSE;
    head.name = "head";
    head.units = 1;
    mix.kind = CLRNN_NODE_ADD;
    mix.name = "mix";
    mix.inputs[0] = "head";
    mix.inputs[1] = "x";
    for (const clrnn_node_desc *node : {&rnn, &head, &mix})
        must(clrnn_graph_add(made, node, nullptr));
    must(clrnn_graph_output(made, "y", nullptr));
    must(clrnn_graph_initialize(made, seed));
    return graph;
}

graph_ptr load(const std::string &path)
{
    clrnn_graph *made = nullptr;
    must(clrnn_graph_load(path.c_str(), CLRNN_F32, nullptr, &made));
    return graph_ptr(made);
}

/* A model ready to play: run over silence, and what it settles at is where a reset begins. */
stream_ptr prepare(clrnn_context *context, clrnn_graph *graph)
{
    clrnn_graph_stream_desc desc = {};
    desc.max_steps = block;
    desc.rows = channels;
    clrnn_graph_stream *made = nullptr;
    must(clrnn_graph_stream_create(context, graph, &desc, &made));
    stream_ptr stream(made);
    std::vector<float> silence(block);
    const void *in[channels] = {silence.data(), silence.data()};
    void *nowhere[channels] = {};
    for (int i = 0; i < 20; i++)
        must(clrnn_graph_stream_process_rows(made, block, in, nowhere));
    must(clrnn_graph_stream_capture_rest(made, 0));
    must(clrnn_graph_stream_reset(made, CLRNN_ALL_ROWS));
    return stream;
}

/* Two strings, plucked again and again. */
void pluck(int number, float *left, float *right)
{
    for (std::uint32_t t = 0; t < block; t++) {
        const double s = (number * double(block) + t) / 48000;
        const double decay = std::exp(-4 * std::fmod(s, 0.05));
        left[t] = float(decay * std::sin(691.2 * s));
        right[t] = float(decay * std::sin(1035.5 * s));
    }
}

/* In place, until the other model has come and its fade is over, and some blocks longer. */
float play(clrnn_graph_stream *stream, const std::atomic<bool> &offered)
{
    float left[block], right[block], loudest = 0;
    void *out[channels] = {left, right};
    int after = 0;
    for (int number = 0; after < 50; number++) {
        pluck(number, left, right);
        must(clrnn_graph_stream_process_rows(stream, block, out, out));
        for (std::uint32_t t = 0; t < block; t++)
            loudest = std::max({loudest, std::fabs(left[t]), std::fabs(right[t])});
        after += offered.load();
    }
    return loudest;
}

int run(int argc, char **argv)
{
    clrnn_context *opened = nullptr;
    must(clrnn_context_create(nullptr, &opened));
    context_ptr context(opened);
    graph_ptr graph = argc > 1 ? load(argv[1]) : build(1);
    stream_ptr stream = prepare(opened, graph.get());
    std::atomic<bool> offered(false);
    clrnn_status failed = CLRNN_OK;
    std::thread other([&] {
        try {
            graph_ptr next = argc > 2 ? load(argv[2]) : build(2);
            clrnn_graph_stream *prepared = prepare(opened, next.get()).release();
            const clrnn_status status = clrnn_graph_stream_offer(stream.get(), &prepared, fade);
            stream_ptr unwanted(prepared);
            must(status);
        } catch (const error &e) {
            failed = e.status;
        }
        offered = true;
    });
    float loudest = 0;
    try {
        loudest = play(stream.get(), offered);
    } catch (...) {
        other.join();
        throw;
    }
    other.join();
    must(failed);
    stream_ptr old(clrnn_graph_stream_collect(stream.get()));
    std::printf("%g\n", double(loudest));
    return old && loudest > 0 && loudest < 10 ? 0 : 1;
}

} // namespace

int main(int argc, char **argv)
{
    try {
        return run(argc, argv);
    } catch (const error &e) {
        std::fprintf(stderr, "amplifier: %s\n", e.what());
        return e.status == CLRNN_ERR_NO_DEVICE ? 77 : 1;
    }
}
