import { metrics, type Attributes, type Counter, type Histogram } from "@opentelemetry/api";
import type { JobInfo } from "../core/job.ts";
import type { NewJobInfo } from "../core/instrumentation.ts";

/** Ends a measurement: with what failed, if anything did. */
type End = (failure: string | undefined) => void;

interface Meters {
  readonly operationSeconds: Histogram;
  readonly processSeconds: Histogram;
  readonly sent: Counter;
  readonly consumed: Counter;
}

// What the conventions say.
const advice = {
  explicitBucketBoundaries: [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
  ],
};

/** The metrics of the conventions, on the meter provider that is registered when something begins. */
export class Instruments {
  #provider: unknown;
  #meters: Meters | undefined;

  /** An enqueue begins. */
  beginSend(jobs: readonly NewJobInfo[]): End {
    const meters = this.#current();
    const startedAt = performance.now();
    return (failure) => {
      const counts = new Map<string, number>();
      for (const { queue } of jobs) counts.set(queue, (counts.get(queue) ?? 0) + 1);
      const [only] = counts.size === 1 ? counts.keys() : [];
      meters.operationSeconds.record(secondsSince(startedAt), attributesOf("send", only, failure));
      for (const [queue, count] of counts) {
        meters.sent.add(count, attributesOf("send", queue, failure));
      }
    };
  }

  /** An attempt begins. */
  beginProcess({ queue, task }: Pick<JobInfo, "queue" | "task">): End {
    const meters = this.#current();
    const startedAt = performance.now();
    return (failure) => {
      const attributes = {
        ...attributesOf("process", queue, failure),
        "messaging.pawl.task": task,
      };
      meters.processSeconds.record(secondsSince(startedAt), attributes);
      meters.consumed.add(1, attributes);
    };
  }

  // An application may register its provider after it has made its Pawl.
  #current(): Meters {
    const provider = metrics.getMeterProvider();
    if (this.#meters === undefined || this.#provider !== provider) {
      this.#provider = provider;
      this.#meters = makeMeters();
    }
    return this.#meters;
  }
}

function makeMeters(): Meters {
  const meter = metrics.getMeter("pawl");
  const seconds = { unit: "s", advice };
  const messages = { unit: "{message}" };
  return {
    operationSeconds: meter.createHistogram("messaging.client.operation.duration", {
      ...seconds,
      description: "Duration of messaging operation initiated by a producer or consumer client.",
    }),
    processSeconds: meter.createHistogram("messaging.process.duration", {
      ...seconds,
      description: "Duration of processing operation.",
    }),
    sent: meter.createCounter("messaging.client.sent.messages", {
      ...messages,
      description: "Number of messages producer attempted to send to the broker.",
    }),
    consumed: meter.createCounter("messaging.client.consumed.messages", {
      ...messages,
      description: "Number of messages that were delivered to the application.",
    }),
  };
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000;
}

function attributesOf(
  operation: "send" | "process",
  queue: string | undefined,
  failure: string | undefined,
): Attributes {
  return {
    "messaging.system": "pawl",
    "messaging.operation.name": operation,
    ...(queue !== undefined && { "messaging.destination.name": queue }),
    ...(failure !== undefined && { "error.type": failure }),
  };
}
