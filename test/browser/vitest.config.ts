import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "browser",
    environment: "node",
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 330_000,
    // One Chromium and one local stack at a time: they share the machine's cores and the default ports.
    fileParallelism: false,
  },
});
