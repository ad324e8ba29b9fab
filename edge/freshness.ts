/**
 * How old what an isolate knows of the bucket may be: manifests, and where aliases lead.
 *
 * @module
 */

/** What was read later than this ago is not looked at again: one small read every so often, whatever the load. */
export const REFRESH_INTERVAL_MS = 5_000;
/** What was read longer ago than this is looked at before answering; in between it is looked at behind an answer. */
export const MAX_STALENESS_MS = 2 * REFRESH_INTERVAL_MS;
