/**
 * Starts the server that all integration tests use. Where it cannot be had, they are skipped, and in CI they fail.
 *
 * @module
 */
import type { TestProject } from "vitest/node";
import { MotoUnavailable, startMoto } from "./moto-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Where moto answers; undefined: the tests are to be skipped. */
    motoUrl: string | undefined;
  }
}

const inCi = (process.env["CI"] ?? "") !== "" || (process.env["MAXLEAF_CI"] ?? "") !== "";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    const server = await startMoto();
    project.provide("motoUrl", server.url);
    return async () => await server.stop();
  } catch (error) {
    if (inCi || !(error instanceof MotoUnavailable)) throw error;
    process.stderr.write(`integration tests are skipped: ${error.message}\n`);
    project.provide("motoUrl", undefined);
    return async () => undefined;
  }
}
