import { defineConfig } from "vite";

export default defineConfig({
  // Addresses are relative, so that the dashboard works below any path that an application mounts it at.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/dashboard",
    assetsDir: "assets",
    // The compiled handler is in the same folder; what was built before goes away in `scripts/build-web.mjs`.
    emptyOutDir: false,
    target: "es2022",
    modulePreload: { polyfill: false },
    // A data: address of a script or a style would break the content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
});
