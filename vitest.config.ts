import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: [
            "shared/**/*.test.ts",
            "encoder/**/*.test.ts",
            "infra/**/*.test.ts",
            "edge/ui/client/**/*.test.ts",
            "test/{bench,conformance,e2e,eval,faults}/**/*.test.ts",
          ],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
        test: { name: "workerd", include: ["edge/**/*.test.ts"], exclude: ["edge/ui/client/**"], testTimeout: 30_000 },
      },
    ],
  },
});
