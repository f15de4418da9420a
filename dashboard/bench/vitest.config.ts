// The page's budgets, measured in a real browser against a real server: `npm run budgets`, with BERTH_BINARY naming the
// program. One after the other, since they are about time.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL(".", import.meta.url).pathname,
    include: ["**/*.bench.ts"],
    testTimeout: 600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    reporters: ["default"],
  },
});
