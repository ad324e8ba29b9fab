/**
 * The release, as package.json has it (a test compares them).
 *
 * @module
 */
export const VERSION = "0.1.0";
