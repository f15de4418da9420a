// How the page is built: small files with hashed names, each also compressed, into `dist`, which the crate embeds.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { Marked, Renderer } from "marked";
import { defineConfig, type Plugin } from "vite";

const DIST = "dist";
const HOST = process.env.BERTH_HOST ?? "http://127.0.0.1:8000";

/** What every view needs is two files, rather than a small one for each module that some views share: others' code, and ours. */
const BASE =
  /node_modules\/(react|react-dom|scheduler|use-sync-external-store|openapi-fetch|@tanstack\/(history|(react-)?store|(react-)?query(-core)?|react-router|router-core))\//;
/** What every list needs, as one file more: each file is another turn of the browser's, and a slow processor feels it. */
const LISTS =
  /node_modules\/(@radix-ui|@floating-ui|aria-hidden|get-nonce|react-(remove-scroll(-bar)?|style-singleton)|tslib|use-(callback-ref|sidecar)|@tanstack\/((react-)?table(-core)?|(react-)?virtual(-core)?|virtual-core))\/|dashboard\/src\/parts\/(menu|queue-state|table|way)\b/;
const PARTS =
  /dashboard\/src\/(api|live|format\/(number|query|shell|time)|app\/(?!palette)|parts\/(action|dialog|figures|filters|page|range|states|text))\b/;

/** What is there before all else. */
const EARLY = /dashboard\/src\/(early|api\/calls?|app\/session|views\/runs-search)\.ts|vite\/preload-helper/;
/** Files nearly all of whose functions are called at once. */
const EAGER = /^assets\/(early|base|parts|lists|index|overview|queues|runs)-/;

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

/**
 * Has the browser compile files whole, as they come and beside its main thread, rather than function by function on it. The
 * words for that must be a file's first: https://v8.dev/blog/explicit-compile-hints
 */
function eager(): Plugin {
  return {
    name: "eager",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type !== "chunk" || !EAGER.test(chunk.fileName)) continue;
          chunk.code = `//# allFunctionsCalledOnLoad\n${chunk.code}`;
        }
      },
    },
  };
}

/** Makes a page of the book a text of HTML: links to its neighbours lead within the page, those to what is not here are plain. */
function book(): Plugin {
  const marked = new Marked({
    renderer: {
      // It scrolls where it is narrow: who has no mouse must get into it.
      code(token) {
        return Renderer.prototype.code.call(this, token).replace("<pre>", '<pre tabindex="0">');
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const neighbour = /^(\w+)\.md$/.exec(href)?.[1];
        if (neighbour) return `<a href="/runbooks/${neighbour}">${text}</a>`;
        return /^https?:/.test(href) ? `<a href="${href}" rel="noreferrer">${text}</a>` : text;
      },
    },
  });
  return {
    name: "book",
    transform(text, id) {
      if (!id.endsWith(".md")) return null;
      return { code: `export default ${JSON.stringify(marked.parse(text))}`, map: null, moduleType: "js" };
    },
  };
}

/** Has the browser fetch the view that most begin with beside the page's own code, rather than after it. */
function preloaded(view: string): Plugin {
  return {
    name: "preloaded",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((one) => one.type === "chunk");
        const first = chunks.find((one) => one.facadeModuleId?.endsWith(view));
        if (!first) throw new Error(`no chunk is ${view}`);
        const names = [first.fileName, ...first.imports].filter((name) => !html.includes(name));
        const early = chunks.find((one) => one.name === "early");
        if (!early) throw new Error("no chunk is `early`");
        return [
          {
            tag: "script",
            attrs: { type: "module", async: true, crossorigin: true, src: `/${early.fileName}` },
            injectTo: "head-prepend" as const,
          },
          ...names.map((name) => ({
            tag: "link",
            attrs: { rel: "modulepreload", crossorigin: true, href: `/${name}` },
            injectTo: "head" as const,
          })),
        ];
      },
    },
  };
}

export default defineConfig({
  plugins: [react(), book(), preloaded("/src/views/overview.tsx"), eager(), compressed()],
  resolve: { alias: { "~": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: DIST,
    emptyOutDir: false,
    target: "es2022",
    assetsInlineLimit: 0,
    // A view would wait for a style sheet of its own.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Compressing takes longer than building; that is meant.
      checks: { pluginTimings: false },
      output: {
        codeSplitting: {
          groups: [
            { name: "early", test: EARLY, priority: 1 },
            { name: "base", test: BASE },
            { name: "parts", test: PARTS },
            { name: "lists", test: LISTS },
          ],
        },
      },
    },
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
