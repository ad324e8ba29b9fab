/**
 * The worker's entry.
 *
 * @module
 */
import { createApp } from "./app.ts";
import type { Env } from "./env.ts";
import type { EdgeApp } from "./http/edge-app.ts";
import { createServices } from "./services.ts";

export { SearchShard } from "./shards/search-shard.ts";

/** One per isolate: bindings never change within one, and opened indexes are worth keeping. */
let app: EdgeApp | undefined;

export default {
  fetch(request, env, context) {
    app ??= createApp(createServices(env));
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
