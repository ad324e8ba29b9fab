/**
 * What the edge's process and its parent tell each other over Node's IPC channel.
 *
 * @module
 */
import { z } from "zod";

/** Parent to child, once: what to run. Sent rather than passed as arguments, which `ps` would show with the secret. */
export const startMessageSchema = z.strictObject({
  configPath: z.string(),
  /** Instead of the configuration's own `main`. */
  entrypoint: z.string().optional(),
  port: z.number().int(),
  stateDir: z.string(),
  vars: z.record(z.string(), z.string()),
  secrets: z.record(z.string(), z.string()),
  verbose: z.boolean(),
});
export type StartMessage = z.infer<typeof startMessageSchema>;

/** Child to parent, once. */
export const replySchema = z.union([z.strictObject({ url: z.string() }), z.strictObject({ error: z.string() })]);
export type Reply = z.infer<typeof replySchema>;
