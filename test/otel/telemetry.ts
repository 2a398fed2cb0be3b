import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeEach } from "vitest";
import { eventually } from "../support/eventually.ts";

/** What has been recorded in this process since the test began. */
export interface Telemetry {
  spans(): readonly ReadableSpan[];
  /** The ended spans of this name, once there are so many. */
  spansNamed(name: string, count?: number): Promise<readonly ReadableSpan[]>;
  /** The data points of a metric. */
  points(name: string): Promise<readonly DataPoint<number | Histogram>[]>;
}

/** Registers OpenTelemetry's own SDK for this test file, as an application does when it starts. */
export function registerTelemetry(): Telemetry {
  const exporter = new InMemorySpanExporter();
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter });
  const meters = new MeterProvider({ readers: [reader] });
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  beforeEach(() => {
    exporter.reset();
  });
  afterAll(async () => {
    await tracers.shutdown();
    await meters.shutdown();
  });
  return {
    spans: () => exporter.getFinishedSpans(),
    spansNamed: (name, count = 1) =>
      eventually(() => {
        const found = exporter.getFinishedSpans().filter((span) => span.name === name);
        return found.length >= count && found;
      }),
    async points(name) {
      await meters.forceFlush();
      const newest = metricExporter.getMetrics().at(-1);
      const all = newest?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
      return all.filter(({ descriptor }) => descriptor.name === name).flatMap(dataPointsOf);
    },
  };
}

function dataPointsOf({
  dataPoints,
}: {
  readonly dataPoints: readonly DataPoint<unknown>[];
}): DataPoint<number | Histogram>[] {
  return dataPoints as DataPoint<number | Histogram>[]; // no exponential histogram is made here
}
