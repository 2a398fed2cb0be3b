#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";

// A module of tasks may have opened what keeps a process alive: only the command decides when it is over.
void runCommandLine(process.argv.slice(2)).then((status) => process.exit(status));
