import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const dist = fileURLToPath(new URL("dist/", import.meta.url));

export default defineConfig({
  test: {
    include: [
      ...["test/**/*.test.ts", "bench/test/**/*.test.ts", "faults/test/**/*.test.ts"],
      "web/test/**/*.test.ts",
    ],
    globalSetup: ["test/support/global-setup.ts"],
    // Processes, not threads: tests change signal handlers and start worker threads of their own.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 10_000,
    server: {
      deps: {
        // The built code is imported by Node itself, as it is by users: `import.meta.url`, worker threads and error
        // classes shared between entry points only work that way.
        external: [startsWith(dist)],
      },
    },
  },
});

function startsWith(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
}
