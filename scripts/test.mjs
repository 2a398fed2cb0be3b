// Runs every test on real PostgreSQL. The last line of stdout is `N passed, N failed`, from the runner's own counts.
// Arguments are passed on to vitest: `npm test -- test/core --reporter=dot`.
import process from "node:process";
import { build } from "./build.mjs";
import { keepTemporaryFilesInMemory } from "./memory.mjs";
import { repository, setup } from "./setup.mjs";

setup();
build();

keepTemporaryFilesInMemory();
process.chdir(repository);
process.env.NODE_ENV ??= "test";
const { parseCLI, startVitest } = await import("vitest/node");
const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
const vitest = await startVitest("test", filter, { ...options, watch: false });
const counts = count(vitest.state.getTestModules(), vitest.state.getUnhandledErrors());
await vitest.close();

if (counts.passed + counts.failed === 0) console.error("No test was run.");
const succeeded = counts.failed === 0 && counts.passed > 0 && !process.exitCode;
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`, () => {
  process.exit(succeeded ? 0 : 1);
});

/**
 * A file or suite that breaks outside its tests, and an error that no test caught, each count as one failure: otherwise
 * a file that cannot be loaded would look like a file without tests.
 * @param {import("vitest/node").TestModule[]} modules
 * @param {unknown[]} unhandledErrors
 */
function count(modules, unhandledErrors) {
  const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
  for (const module of modules) {
    if (module.errors().length > 0) counts.failed += 1;
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) counts.failed += 1;
    }
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") counts.passed += 1;
      else if (state === "skipped") counts.skipped += 1;
      else counts.failed += 1;
    }
  }
  return counts;
}
