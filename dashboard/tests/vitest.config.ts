// Tests in a real browser against real servers: `npm run browser`, with BERTH_BINARY naming the program.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL(".", import.meta.url).pathname,
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A server and a browser for each file.
    maxWorkers: 2,
    reporters: process.env.CI ? ["default"] : ["verbose"],
  },
});
