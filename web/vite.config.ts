import { defineConfig } from "vite";

export default defineConfig({
  // Below whatever path it is mounted on.
  base: "./",
  build: {
    outDir: "../dist/dashboard",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
