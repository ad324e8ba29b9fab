/**
 * What converting an office file may cost. Ours; a report of ten pages takes 2 to 7 s and 300 MB here.
 *
 * @module
 */

/** Bytes of an office file; presentations full of photographs have 50 MB. */
export const MAX_OFFICE_BYTES = 128 * 1024 * 1024;
/** Of one conversion, the start of LibreOffice included. */
export const OFFICE_TIMEOUT_MS = 3 * 60_000;
/** Address space of LibreOffice; it maps about 1.5 GB before it does anything. */
export const OFFICE_MEMORY_MB = 4_096;
/** CPU time: ends a conversion whose caller was killed and can no longer do so. */
export const OFFICE_CPU_SECONDS = 300;
/** The last of what LibreOffice says, for the reason of a failure. */
export const OFFICE_OUTPUT_CHARS = 2_000;
