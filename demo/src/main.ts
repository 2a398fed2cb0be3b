// The demo: `npm run demo -- --help`.
import { constants } from "node:os";
import { helpText, parseDemoOptions, UsageError, type DemoOptions } from "./demo-options.ts";
import { runDemo } from "./run.ts";
import { openScreen } from "./screen.ts";
import { summaryJson, summaryText, type Summary } from "./summary.ts";

const hardExitMs = 5_000;

process.exit(await main(process.argv.slice(2)));

async function main(given: readonly string[]): Promise<number> {
  const signals = listenForSignals();
  try {
    const options = parseDemoOptions(given);
    if (options.help) {
      console.log(helpText);
      return 0;
    }
    const screen = openScreen("Pawl: durable jobs on PostgreSQL");
    const { proof } = await runDemo(options, { screen, signals, show: showSummary(options) });
    return proof.ok ? 0 : 1;
  } catch (error) {
    const { received } = signals;
    if (received !== undefined) return 128 + constants.signals[received];
    console.error(`The demo failed: ${describe(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function showSummary({ json }: DemoOptions): (summary: Summary) => void {
  return (summary) => {
    console.log(json ? summaryJson(summary) : `\n${summaryText(summary)}`);
  };
}

function listenForSignals() {
  const stop = new AbortController();
  const hurry = new AbortController();
  const signals = {
    stop: stop.signal,
    hurry: hurry.signal,
    received: undefined as "SIGINT" | "SIGTERM" | undefined,
  };
  const onSignal = (signal: "SIGINT" | "SIGTERM"): void => {
    if (signals.received === undefined) {
      signals.received = signal;
      console.error("\nStopping, and removing what the demo has made.");
      stop.abort();
      return;
    }
    if (hurry.signal.aborted) process.exit(128 + constants.signals[signal]);
    hurry.abort();
    setTimeout(() => process.exit(128 + constants.signals[signal]), hardExitMs);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return signals;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UsageError) {
    return `${error.message.split("\n", 1)[0] ?? ""}\nRun npm run demo -- --help to see what it takes.`;
  }
  // Node reports a host with several addresses as an AggregateError without a message.
  if (error instanceof AggregateError) return error.errors.map(describe).join("; ");
  return error.message;
}
