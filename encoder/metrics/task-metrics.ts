/**
 * What becomes of tasks in this process, counted.
 *
 * @module
 */
import { countBy, underWay } from "./registry.ts";

/** Counts a task that is over: its end was stored by this process. */
export const countEndedTask = countBy(
  {
    name: "maxleaf_tasks_ended_total",
    help: "Tasks whose end this process stored, by their last state. Those canceled before a worker had them count too.",
  },
  "status",
  ["succeeded", "failed", "canceled"],
);

/** Counts a task while this process works on it. */
export const whileTaskRuns = underWay({ name: "maxleaf_tasks_running", help: "Tasks that this process works on." });
