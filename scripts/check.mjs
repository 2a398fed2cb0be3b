// Everything that can be known without running the code. One line for each check; the output of those that failed.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { build } from "./build.mjs";
import { repository, setup } from "./setup.mjs";

const checks = [
  { name: "format", program: "prettier", given: ["--check", "--log-level=warn", "."] },
  { name: "lint", program: "eslint", given: ["."] },
  { name: "types", program: "tsc", given: ["--noEmit", "-p", "tsconfig.json"] },
  { name: "types of web", program: "tsc", given: ["-p", "web/tsconfig.json"] },
  // With the build's settings it knows which source an import of dist/ means.
  { name: "unused code", program: "knip", given: ["--tsConfig", "tsconfig.build.json"] },
  { name: "package", program: "publint", given: ["--strict"] },
  { name: "package types", program: "attw", given: ["--pack", ".", "--profile", "esm-only"] },
];

setup();
build();

const failed = checks.filter((check) => !succeeds(check));
if (failed.length > 0) console.log(`Failed: ${failed.map(({ name }) => name).join(", ")}`);
process.exitCode = failed.length > 0 ? 1 : 0;

/** @param {{ name: string, program: string, given: string[] }} check */
function succeeds({ name, program, given }) {
  const start = performance.now();
  const { status, error, stdout, stderr } = spawnSync(
    `${repository}node_modules/.bin/${program}`,
    given,
    { cwd: repository, encoding: "utf8", maxBuffer: Infinity },
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (status !== 0) console.log([error?.message, stdout, stderr].filter(Boolean).join("\n"));
  return status === 0;
}
