// Runs the fault campaign, after all of its set-up; arguments are passed on: `npm run faults -- --runs 100 --seed 7`.
import { build } from "./build.mjs";
import { setup } from "./setup.mjs";

setup();
build();
await import("../faults/dist/main.js");
