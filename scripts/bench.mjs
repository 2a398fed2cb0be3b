// Measures Pawl beside its peers, after all of its set-up; arguments are passed on: `npm run bench -- --quick`.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { build } from "./build.mjs";
import { repository, setup } from "./setup.mjs";

setup();
build();

const { status } = spawnSync(
  process.execPath,
  [`${repository}bench/dist/main.js`, ...process.argv.slice(2)],
  { stdio: ["ignore", "inherit", "inherit"] },
);
process.exitCode = status ?? 1;
