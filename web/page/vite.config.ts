import { defineConfig } from "vite";

const at = (path: string): string => new URL(path, import.meta.url).pathname;

const THREE = "/*! Contains three.js, copyright the three.js authors, MIT licence: see licenses.txt of the distribution. */";

/** The page and the console, into the server's package. `npm run build:page` runs it. */
export default defineConfig({
  root: at("."),
  base: "/",
  resolve: {
    alias: [
      { find: /^@avatarkit\/web\/player-worklet\.js(?=\?|$)/, replacement: at("../src/audio/worklet-file.ts") },
      { find: /^@avatarkit\/web$/, replacement: at("../src/index.ts") },
    ],
  },
  worker: { format: "es", rollupOptions: { output: { entryFileNames: "page/[name]-[hash].js" } } },
  build: {
    target: "es2022",
    outDir: at("../../src/avatarkit/server/page/built"),
    emptyOutDir: true,
    assetsDir: "page",
    assetsInlineLimit: 0, // data: URLs are against the page's policy
    modulePreload: { polyfill: false }, // it would be an inline script
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      input: { index: at("index.html"), console: at("console.html") },
      external: ["opus-decoder"], // the page sends no Opus
      output: { postBanner: (chunk) => (chunk.name === "index" ? THREE : "") },
    },
  },
});
