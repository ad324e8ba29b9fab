/**
 * Exit statuses of the command line. Scripts depend on them: add, never change.
 *
 * @module
 */
import { ERROR_STATUS, type ErrorCode } from "../../shared/errors.ts";

export const EXIT = {
  ok: 0,
  /** A fault of Maxleaf's own, or of what is stored. */
  unexpected: 1,
  /** What was asked is wrong: an option, a name, a file. */
  usage: 2,
  /** `ingest` finished, but some files could not be read. */
  someFilesFailed: 3,
  /** The index, document or page is not there. */
  notFound: 4,
  /** The bucket, the encoder or a model could not be used. */
  unavailable: 5,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;

/** For `--help`. */
export const EXIT_CODES_HELP = `Exit codes:
  0  done
  1  unexpected error (--debug prints the stack); of doctor: an index is not well
  2  bad option, name or input
  3  done, but some files could not be ingested
  4  index or document not found
  5  bucket, encoder or model unavailable
  130  interrupted`;

/** The exit status that a failure with `code` ends in: by its HTTP status, so that new codes need no entry here. */
export function exitCodeOf(code: ErrorCode): number {
  const status = ERROR_STATUS[code];
  if (status === 404) return EXIT.notFound;
  if (status === 503) return EXIT.unavailable;
  if (status < 500) return EXIT.usage;
  return EXIT.unexpected;
}
