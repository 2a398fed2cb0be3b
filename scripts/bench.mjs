// Measures Pawl beside its peers, after all of its set-up; arguments are passed on: `npm run bench -- --quick`.
import { build } from "./build.mjs";
import { setup } from "./setup.mjs";

setup();
build();
await import("../bench/dist/main.js");
