/* SPDX-License-Identifier: MIT
 * compare_report.c - see compare.h: report.html, and the pictures as files. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "outputs.h"

const char *const compare_picture_names[COMPARE_PICTURES] = {"loss-steps", "loss-seconds",
                                                             "gradients-before", "gradients-after"};

int compare_write_pictures(const compare_job *job)
{
    char path[COMPARE_PATH];
    for (int i = 0; i < COMPARE_PICTURES && inspect_has_pictures(); i++) {
        size_t bytes = 0;
        uint8_t *svg = compare_picture(job, i, false, &bytes);
        compare_path(job, path, "pictures/%s.svg", compare_picture_names[i]);
        const bool good = svg && tool_output_write(path, svg, bytes);
        free(svg);
        if (!good)
            return svg ? tool_error("compare: %s: cannot write it: %s", path, strerror(errno))
                       : tool_no_memory();
    }
    return TOOL_OK;
}

/* --- HTML ------------------------------------------------------------------------------------ */

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1c1c21;--faint:#5d6068;--line:#d9dbe0;"
    "--card:#f6f7f9}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#16181d;--ink:#e6e6eb;--faint:#a3a7b1;"
    "--line:#383c46;--card:#1d2027}}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:1320px;margin:0 auto;padding:24px 20px 48px}\n"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 10px}\n"
    "p{max-width:76ch;margin:8px 0}.faint{color:var(--faint)}\n"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:10px 12px;"
    "white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px;min-width:100%}\n"
    "th,td{border-bottom:1px solid var(--line);padding:7px 12px 7px 0;text-align:left;"
    "vertical-align:top}td.n,th.n{text-align:right}td.n{white-space:nowrap;"
    "font-variant-numeric:tabular-nums}\n"
    "th:first-child,td:first-child{position:sticky;left:0;background:var(--paper)}"
    "td.use{min-width:150px}td small{color:var(--faint);display:block}\n"
    ".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));"
    "gap:18px;overflow-x:auto}.pictures img{width:100%;min-width:480px;height:auto;"
    "box-sizing:border-box;border:1px solid var(--line);border-radius:6px}\n"
    "</style>\n";

/* Text as HTML. */
static void put(FILE *f, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*text, f);
        }
}

static void put_base64(FILE *f, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t bits = (uint32_t)data[i] << 16 |
                              (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                              (left > 2 ? data[i + 2] : 0);
        fputc(digits[bits >> 18], f);
        fputc(digits[bits >> 12 & 63], f);
        fputc(left > 1 ? digits[bits >> 6 & 63] : '=', f);
        fputc(left > 2 ? digits[bits & 63] : '=', f);
    }
}

static bool put_uri(FILE *f, const compare_job *job, int which, bool dark)
{
    size_t bytes = 0;
    uint8_t *svg = compare_picture(job, which, dark, &bytes);
    fputs("data:image/svg+xml;base64,", f);
    if (svg)
        put_base64(f, svg, bytes);
    free(svg);
    return svg != NULL;
}

static bool put_pictures(FILE *f, const compare_job *job)
{
    static const char *const alt[] = {"Loss over training steps", "Loss over seconds",
                                      "Norms of gradients before training",
                                      "Norms of gradients after training"};
    bool good = true;
    if (!inspect_has_pictures()) {
        fputs("<p class=faint>Built without cairo, so without pictures; the numbers are in "
              "results.json.</p>\n",
              f);
        return true;
    }
    fputs("<div class=pictures>\n", f);
    for (int i = 0; i < COMPARE_PICTURES && good; i++) {
        fputs("<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"", f);
        good = put_uri(f, job, i, true);
        fprintf(f, "\"><img alt=\"%s\" src=\"", alt[i]);
        good = good && put_uri(f, job, i, false);
        fputs("\"></picture>\n", f);
    }
    fputs("</div>\n", f);
    return good;
}

/* "1.234 ± 0.056" */
static void put_spread(FILE *f, const compare_job *job, const compare_result *r, size_t offset,
                       const char *unit, double times)
{
    double mean, deviation;
    compare_spread(job, r, offset, &mean, &deviation);
    if (!isfinite(mean))
        fputs("&ndash;", f);
    else if (job->o.seeds > 1)
        fprintf(f, "%.4g%s<small>&plusmn; %.2g</small>", times * mean, unit, times * deviation);
    else
        fprintf(f, "%.4g%s", times * mean, unit);
}

/* Where the norms of dL_T/dh_t and dL_T/dc_t have fallen to a hundredth of what that of dh_t is at
 * T, after training: the mean over the runs; those that never do count as the whole length. */
static double distance_of(const compare_job *job, const compare_result *r, bool *beyond)
{
    double sum = 0;
    *beyond = false;
    for (uint32_t i = 0; i < job->o.seeds; i++) {
        const inspect_flow *flow = &r->runs[i].last;
        uint32_t k = 0;
        while (k < flow->steps &&
               fmax(flow->dh[k], flow->dc ? flow->dc[k] : 0) > 0.01 * flow->dh[0])
            k++;
        *beyond = *beyond || k == flow->steps;
        sum += k;
    }
    return sum / job->o.seeds;
}

static void put_row(FILE *f, const compare_job *job, const compare_result *r, bool accuracy)
{
    char number[32];
    bool beyond;
    const double distance = distance_of(job, r, &beyond);
    fputs("<tr><td><b>", f);
    put(f, r->cell->title);
    fputs("</b><td>", f);
    put(f, r->cell->gates);
    fprintf(f, "<td>%s<td class=n>%u<td class=n>%s<td class=use>", r->cell->state, r->hidden,
            tool_thousands(r->parameters, number));
    put(f, r->cell->use);
    fputs("<td class=n>", f);
    put_spread(f, job, r, offsetof(compare_run, step_ms), " ms", 1);
    fprintf(f, "<td class=n>%s<td class=n>", tool_bytes(r->memory, number));
    put_spread(f, job, r, offsetof(compare_run, loss), "", 1);
    if (accuracy) {
        fputs("<td class=n>", f);
        put_spread(f, job, r, offsetof(compare_run, accuracy), " %", 100);
    }
    fprintf(f, "<td class=n>%s%.3g", beyond ? "&ge; " : "", distance);
    if (job->lags && r->lag)
        fprintf(f, "<td class=n>%u", r->lag);
    else if (job->lags)
        fprintf(f, "<td class=n>&lt; %u", job->lag[0]);
    fputs("\n", f);
}

static bool has_accuracy(const compare_job *job)
{
    double mean, deviation;
    compare_spread(job, &job->results[0], offsetof(compare_run, accuracy), &mean, &deviation);
    return isfinite(mean);
}

static void put_table(FILE *f, const compare_job *job)
{
    const bool accuracy = has_accuracy(job);
    fputs("<div class=wide><table>\n<tr><th>Cell<th>Gates<th>State<th class=n>Units"
          "<th class=n>Parameters<th>Typical use<th class=n>Time of a step<th class=n>Memory",
          f);
    fprintf(f, "<th class=n>Loss, %s, %s", job->held, job->measure);
    fprintf(f, "%s<th class=n>Gradients reach%s\n", accuracy ? "<th class=n>Accuracy" : "",
            job->lags ? "<th class=n>Longest lag" : "");
    for (int i = 0; i < COMPARE_CELLS; i++)
        put_row(f, job, &job->results[i], accuracy);
    fputs("</table></div>\n", f);
}

static void put_notes(FILE *f, const compare_job *job)
{
    fprintf(f,
            "<p class=faint>Mean and standard deviation over %u seed%s. Time of a step: of one of "
            "training, its batch included. Memory: what the plan of the stack holds on the "
            "device. "
            "Gradients reach: how many of %u steps back from the last the norm of "
            "dL<sub>T</sub>/dh<sub>t</sub> or dL<sub>T</sub>/dc<sub>t</sub> stays above a "
            "hundredth of what dL<sub>T</sub>/dh<sub>T</sub> has, after training.",
            job->o.seeds, job->o.seeds == 1 ? "" : "s", job->steps_back);
    if (isfinite(job->results[0].runs[0].baseline))
        fprintf(f, " Who has learned nothing has %.4g %s.", job->results[0].runs[0].baseline,
                job->measure);
    if (job->lags)
        fprintf(f,
                " Longest lag: the symbol so many steps back is still recalled (nine of ten "
                "times) after %llu steps of training.",
                (unsigned long long)job->lag_steps);
    fputs("</p>\n", f);
}

static bool put_report(FILE *f, const compare_job *job)
{
    const clrnn_device_info *device = clrnn_context_device(job->context);
    char text[32];
    fputs("<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n<meta name=viewport "
          "content=\"width=device-width,initial-scale=1\">\n<title>RNN, GRU and LSTM compared"
          "</title>\n",
          f);
    fputs(style, f);
    fprintf(f,
            "</head><body><main>\n<h1>RNN, GRU and LSTM, trained alike</h1>\n<p class=faint>"
            "Equal %s, the same data and seeds; ",
            job->parameters ? "number of parameters" : "hidden size");
    put(f, device->name);
    fprintf(f, ", %s, clrnn %s.</p>\n<h2>Side by side</h2>\n",
            tool_clock(tool_seconds() - job->start, text), clrnn_version_text());
    put_table(f, job);
    put_notes(f, job);
    fputs("<h2>The course, and how far gradients come</h2>\n", f);
    const bool good = put_pictures(f, job);
    fputs("<h2>The same again</h2>\n<pre>", f);
    put(f, job->command);
    fputs("</pre>\n<p class=faint>All numbers are in results.json, the models, before and after, "
          "in models/; what the gates of each do is in pictures/, as <code>clrnn inspect</code> "
          "draws it."
          "</p>\n"
          "</main></body></html>\n",
          f);
    return good;
}

int compare_write_report(const compare_job *job)
{
    char path[COMPARE_PATH];
    tool_output output;
    FILE *file = tool_output_begin(&output, compare_path(job, path, "report.html"));
    return tool_output_end(&output, file && put_report(file, job))
               ? TOOL_OK
               : tool_error("compare: %s: cannot write it: %s", path, strerror(errno));
}
