/** The course of training: one small chart a metric, steps along the bottom. */

import { type Ink, type Line, lineChart, type LineChartOptions } from "../chart.ts";
import { formatFigure, formatShare } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { Point, TrainingLog } from "../training_log.ts";
import { figure, type LegendEntry } from "./figure.ts";
import { trainingSummary } from "./training_summary.ts";

/** A chart of the section: which metrics, and how they are drawn. */
interface TrainingChart {
  title: string;
  /** What one sees, after the figures. */
  meaning: string;
  metrics: { name: string; ink: Ink; label: string; draw: Line["draw"] }[];
  format?: (value: number) => string;
  options?: Partial<LineChartOptions>;
}

/** A training metric and its evaluation twin, in two inks. */
function trainAndEval(name: string): TrainingChart["metrics"] {
  return [
    { name, ink: "train", label: "training", draw: "noisy" },
    { name: `eval_${name}`, ink: "eval", label: "held out", draw: "marked" },
  ];
}

/** A metric of training alone. */
function trainOnly(name: string, draw: Line["draw"]): TrainingChart["metrics"] {
  return [{ name, ink: "train", label: "training", draw }];
}

const CHARTS: readonly TrainingChart[] = [
  {
    title: "Loss",
    meaning: "NLL of the chosen answers plus beta times the odds-ratio loss.",
    metrics: trainAndEval("loss"),
  },
  {
    title: "NLL",
    meaning: "Negative log-likelihood a token: how well chosen answers are imitated.",
    metrics: trainAndEval("nll_loss"),
  },
  {
    title: "Log-probabilities",
    meaning:
      "Means a token. ORPO lifts chosen answers and lowers rejected ones; plain fine-tuning " +
      "lifts both.",
    metrics: [
      { name: "logps/chosen", ink: "chosen", label: "chosen", draw: "noisy" },
      { name: "logps/rejected", ink: "rejected", label: "rejected", draw: "noisy" },
      { name: "eval_logps/chosen", ink: "chosen", label: "held out (dots)", draw: "marked" },
      { name: "eval_logps/rejected", ink: "rejected", label: "held out (dots)", draw: "marked" },
    ],
  },
  {
    title: "Log odds",
    meaning: "Log odds ratio of chosen over rejected; above 0 chosen is preferred.",
    metrics: trainAndEval("log_odds_chosen"),
    options: { reference: 0 },
  },
  {
    title: "Margin",
    meaning: "The difference of the two log-probabilities, times beta.",
    metrics: trainAndEval("rewards/margins"),
    options: { reference: 0 },
  },
  {
    title: "Accuracy",
    meaning: "Share of pairs whose chosen answer is the likelier one; a coin gives one half.",
    metrics: trainAndEval("rewards/accuracies"),
    format: formatShare,
    options: { reference: 0.5, ticks: "share", range: [0, 1] },
  },
  {
    title: "Log-odds accuracy",
    meaning: "Share of pairs whose log odds ratio is above 0.",
    metrics: trainAndEval("log_odds_accuracies"),
    format: formatShare,
    options: { reference: 0.5, ticks: "share", range: [0, 1] },
  },
  {
    title: "Delta",
    meaning: "How much of a pair is still to be learnt: 1 where rejected wins outright, 0 once " +
      "chosen does.",
    metrics: trainAndEval("delta"),
    options: { range: [0, 1] },
  },
  {
    title: "Learning rate",
    meaning: "As the schedule gives it.",
    metrics: trainOnly("learning_rate", "plain"),
  },
  {
    title: "Gradient norm",
    meaning: "Global norm before clipping.",
    metrics: trainOnly("grad_norm", "noisy"),
  },
  {
    title: "Speed",
    meaning: "Tokens a second, both answers counted.",
    metrics: trainOnly("tokens_per_second", "noisy"),
  },
];

/** The section, or nothing where the log has none of the metrics. */
export function trainingSection({ series, summary }: TrainingLog): Html | undefined {
  const figures = CHARTS.map((chart) => trainingFigure(chart, series)).filter(Boolean);
  if (figures.length === 0) return undefined;
  return html`
    <section id="training" aria-labelledby="training-title">
      <h2 id="training-title">Training</h2>
      ${trainingSummary(summary)}
      <p>Faint lines are single steps, firm lines their running mean; dots are evaluations on held-out
    pairs.</p>
      <div class="charts">${figures}
      </div>
    </section>
  `;
}

function trainingFigure(
  { title, meaning, metrics, format = formatFigure, options }: TrainingChart,
  series: TrainingLog["series"],
): Html | undefined {
  const present = metrics.flatMap((metric) => {
    const points = series.get(metric.name);
    return points?.length ? [{ ...metric, points }] : [];
  });
  if (present.length === 0) return undefined;
  const courses = present.map(({ name, ink, points }) => {
    const who: string[] = ink === "chosen" || ink === "rejected" ? [ink] : [];
    if (name.startsWith("eval_")) who.push("held out");
    else if (present.length > 1 && who.length === 0) who.push("training");
    return [...who, course(points, format)].join(" ");
  });
  const reading = `${sentenceCase(courses.join(", "))}. ${meaning}`;
  const lines = present.map(({ ink, points, draw }) => ({ ink, points, draw }));
  const chart = lineChart({ label: `${title} by optimizer step. ${reading}`, lines, ...options });
  return figure({ title, chart, reading, legend: legend(present) });
}

/** "5.56 to 0.21": where a line starts and ends. */
function course(points: readonly Point[], format: (value: number) => string): string {
  const [first, last] = [points[0]!.value, points.at(-1)!.value];
  return points.length === 1 ? format(first) : `${format(first)} to ${format(last)}`;
}

function sentenceCase(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

function legend(present: readonly { ink: Ink; label: string; name: string }[]): LegendEntry[] {
  if (present.length === 1) return [];
  const inks = new Map<Ink, string>();
  for (const { ink, label } of present) if (!inks.has(ink)) inks.set(ink, label);
  return [...inks].map(([ink, name]) => ({ ink, name }));
}
