/**
 * Parsers of option values. Commander turns what they throw into a usage error that names the option.
 *
 * @module
 */
import { InvalidArgumentError, Option } from "commander";
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_METADATA_FIELDS, MAX_METADATA_VALUE_CHARS } from "../../shared/limits.ts";
import { parseIndexName } from "../../shared/names.ts";

/** A parser of whole numbers from `min` to `max`. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** The longest time that an option takes in hours: a year. */
const MAX_HOURS = 8_760;

/** Hours, fractions too. */
export function hours(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= MAX_HOURS) return value;
  throw new InvalidArgumentError(`It must be a number of hours from 0 to ${MAX_HOURS}.`);
}

/** As `ExecutionProvider`, which help must not load the runtime for. */
const DEVICES = ["auto", "cpu", "cuda"] as const;
export type Device = (typeof DEVICES)[number];

/** `--device`: where matrices are multiplied. Never replaced in silence: `cuda` fails where there is none. */
export function deviceOption(description: string): Option {
  return new Option("--device <name>", description).choices(DEVICES).default("auto");
}

export const portNumber = integer(0, 65_535);

/** A valid index name. */
export function indexName(text: string): string {
  try {
    return parseIndexName(text);
  } catch (error) {
    if (error instanceof MaxleafError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}

/** Collects repeated `key=value` options. */
export function metadata(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write it as key=value.");
  const value = text.slice(at + 1);
  if (value.length > MAX_METADATA_VALUE_CHARS) {
    throw new InvalidArgumentError(`Its value has more than ${MAX_METADATA_VALUE_CHARS} characters.`);
  }
  const collected = { ...previous, [text.slice(0, at)]: value };
  if (Object.keys(collected).length > MAX_METADATA_FIELDS) {
    throw new InvalidArgumentError(`There are more than ${MAX_METADATA_FIELDS} fields.`);
  }
  return collected;
}

/** Splits `a,b,c`. */
export function list(text: string): string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.some((part) => part === "")) throw new InvalidArgumentError("Write it as a,b,c.");
  return parts;
}
