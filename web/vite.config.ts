import { defineConfig } from "vite";

// Relative addresses, so that the page works under whatever path an application chooses. Nothing is put inline: the page is
// served under a content security policy that would refuse it.
export default defineConfig({
  base: "./",
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/dashboard",
    // The compiled server of the dashboard lies beside it; scripts/build.mjs removes the old assets.
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome123", "firefox120", "safari17.5"],
    reportCompressedSize: false,
  },
  logLevel: "warn",
});
