/**
 * A strict reader of Prometheus' text format 0.0.4, for tests: what a scraper might forgive is an error here.
 *
 * @module
 */

export interface ExposedMetric {
  type: string;
  help: string;
  /** Values by the whole name with labels, as written: `x_total{outcome="added"}`. */
  samples: Map<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const HELP_LINE = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE_LINE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`);
const SAMPLE_LINE = new RegExp(String.raw`^(${NAME})(\{${LABEL}(?:,${LABEL})*\})? (\S+)$`);
const NUMBER = /^(?:[+-]?Inf|Nan|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** Metrics by name. Throws for a line that is none, a sample without its metric, one that is there twice. */
export function parseExposition(text: string): Map<string, ExposedMetric> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const metrics = new Map<string, ExposedMetric>();
  let help: [name: string, text: string] | undefined;
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const helpLine = HELP_LINE.exec(line);
    const typeLine = TYPE_LINE.exec(line);
    if (helpLine !== null) help = [helpLine[1] ?? "", helpLine[2] ?? ""];
    else if (typeLine !== null) addMetric(metrics, typeLine, help);
    else addSample(metrics, line);
  }
  for (const [name, metric] of metrics) check(name, metric);
  return metrics;
}

function addMetric(
  metrics: Map<string, ExposedMetric>,
  [, name = "", type = ""]: RegExpExecArray,
  help: [string, string] | undefined,
): void {
  if (help?.[0] !== name) throw new Error(`${name} has no help`);
  if (metrics.has(name)) throw new Error(`${name} is there twice`);
  metrics.set(name, { type, help: help[1], samples: new Map() });
}

function addSample(metrics: Map<string, ExposedMetric>, line: string): void {
  const [, name = "", labels = "", value = ""] = SAMPLE_LINE.exec(line) ?? [];
  if (name === "" || !NUMBER.test(value)) throw new Error(`no sample: ${line}`);
  const metric = [...metrics].at(-1);
  const base = metric?.[1].type === "histogram" ? name.replace(/_(?:bucket|sum|count)$/, "") : name;
  if (metric === undefined || metric[0] !== base) throw new Error(`${name} does not stand with its metric`);
  const key = name + labels;
  if (metric[1].samples.has(key)) throw new Error(`${key} is there twice`);
  metric[1].samples.set(key, Number(value.replace("Inf", "Infinity").replace("Nan", "NaN")));
}

function check(name: string, { type, samples }: ExposedMetric): void {
  if (type === "counter" && !name.endsWith("_total")) throw new Error(`the counter ${name} does not end in _total`);
  if (type === "counter" && [...samples.values()].some((value) => !(value >= 0))) throw new Error(`${name} fell`);
  if (type === "histogram") checkHistogram(name, samples);
}

/** Buckets rise to the last, `+Inf`, which is the count. */
function checkHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  const last = new Map<string, number>();
  for (const [key, value] of samples) {
    const le = /le="([^"]+)"/.exec(key)?.[1];
    if (!key.startsWith(`${name}_bucket`) || le === undefined) continue;
    const series = key.replace(/^[^{]*/, "").replace(/le="[^"]+",?/, "");
    if (value < (last.get(series) ?? 0)) throw new Error(`a bucket of ${key} holds fewer than the one before`);
    last.set(series, value);
    if (le === "+Inf" && samples.get(`${name}_count${series === "{}" ? "" : series}`) !== value) {
      throw new Error(`${key} is not the count`);
    }
  }
}
