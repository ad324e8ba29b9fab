/**
 * Questions to begin with, for the index of bundled samples: a chart, tables, running text, and one in Russian. All are
 * from the samples' own list, and the browser tests hold each to the page that answers it.
 *
 * @module
 */

export const SAMPLES_INDEX = "samples";

export const EXAMPLE_QUESTIONS: readonly string[] = [
  "What share of the swimming hall's energy goes into ventilation?",
  "Which ferry was built in 1974 and sails only in summer?",
  "At what pressure does the safety valve of the heating circuit open?",
  "How much of the blade surface did sea mats cover at two metres depth?",
  "How long must a bed be kept free of cabbage because of clubroot?",
  "Сколько весит линза маяка?",
];
