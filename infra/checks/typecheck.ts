/**
 * Type-checks every room with its own settings: the edge sees Workers types only, the encoder Node's, the page the DOM.
 *
 * @module
 */
import { spawnSync } from "node:child_process";

const rooms = ["shared", "edge", "edge/tsconfig.test.json", "edge/ui/client", "encoder", "test"];

const failed = rooms.filter((room) => spawnSync("tsc", ["-p", room], { stdio: "inherit" }).status !== 0);
if (failed.length > 0) {
  console.error(`type errors in ${failed.join(", ")}`);
  process.exit(1);
}
