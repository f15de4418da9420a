// How the page is built: small files with hashed names, each also compressed, into `dist`, which the crate embeds.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const DIST = "dist";
const HOST = process.env.BERTH_HOST ?? "http://127.0.0.1:8000";

/** Empties the folder but for what git keeps of it, and puts a compressed file beside each that gets smaller by it. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    buildStart() {
      for (const name of existsSync(DIST) ? readdirSync(DIST) : []) {
        if (name !== ".gitignore") rmSync(join(DIST, name), { recursive: true });
      }
    },
    closeBundle() {
      for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(html|js|css|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const whole = readFileSync(path);
        const brotli = brotliCompressSync(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
        const gzip = gzipSync(whole, { level: 9 });
        if (brotli.length < whole.length) writeFileSync(`${path}.br`, brotli);
        if (gzip.length < whole.length) writeFileSync(`${path}.gz`, gzip);
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { alias: { "~": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: DIST,
    emptyOutDir: false,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Compressing takes longer than building; that is meant.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: {
    // `npm run dev` beside a running `berth up`, which takes requests from its own origin only.
    proxy: Object.fromEntries(
      ["/api", "/streams", "/openapi.json"].map((path) => [
        path,
        { target: HOST, changeOrigin: true, headers: { origin: HOST } },
      ]),
    ),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
