/**
 * Questions to begin with, for the index of bundled samples. A test holds them to the samples' own list of questions.
 *
 * @module
 */

export const SAMPLES_INDEX = "samples";

export const EXAMPLE_QUESTIONS: readonly string[] = [];
