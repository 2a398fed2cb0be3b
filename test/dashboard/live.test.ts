import { defineTask, typed } from "pawl";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { DashboardError } from "pawl";
import type { Overview, Tick } from "#pawl/dashboard/api";
import { Live } from "#pawl/dashboard/live";
import { shareOverview } from "#pawl/dashboard/shared-overview";
import { freshEngine } from "../support/engine.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { Board } from "./board.ts";

const send = defineTask({ name: "send", payload: typed<number>() });
const overview = { now: "then" } as Overview;

describe("the live stream", () => {
  it("tells every two seconds how things are, from one look for all tabs", async () => {
    const engine = await freshEngine();
    const board = new Board(engine);
    const [first, second] = [await watch(board), await watch(board)];

    const [begin] = await first.events("tick", 1);
    await second.events("tick", 1);
    await engine.pawl.enqueue(send, 1);
    const later = await first.events("tick", 2);

    const ticks = [begin, later[1]].map((event) => (JSON.parse(event?.data ?? "") as Tick).overview);
    expect(ticks.map(({ counts }) => counts.ready.count)).toEqual([0, 1]);
    const times = ticks.map(({ now }) => Date.parse(now));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_500);
    expect(first.response.headers.get("content-type")).toContain("text/event-stream");
    expect(first.response.headers.get("cache-control")).toBe("no-store");
    expect((await second.events("tick", 2))[1]?.data).toBe(later[1]?.data);
  });

  it("ends when the request is aborted", async () => {
    const board = new Board(await freshEngine());
    const stream = await watch(board);
    await stream.events("tick", 1);

    stream.abort.abort();

    await stream.ended;
  });

  it("says that the database is away, and goes on when it is back", async () => {
    const proxy = await startTcpProxy();
    const board = new Board(await freshEngine({ url: proxy.url }));
    const stream = await watch(board);
    await stream.events("tick", 1);

    proxy.refuse();
    const [trouble] = await stream.events("trouble", 1);
    proxy.accept();
    const ticks = stream.texts.filter(({ event }) => event === "tick").length;
    await stream.events("tick", ticks + 1);

    expect(JSON.parse(trouble?.data ?? "")).toEqual({
      code: "PAWL_DATABASE_UNAVAILABLE",
      message: "the database cannot be reached at the moment",
    });
  });
});

describe("those who watch", () => {
  it("share one look, and nothing looks while nobody watches", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
    onTestFinished(() => void vi.useRealTimers());
    let looks = 0;
    const read = shareOverview(() => {
      looks += 1;
      return Promise.resolve(overview);
    }, Date.now);
    const live = new Live(read);
    const abort = new AbortController();
    const tabs = Array.from({ length: 50 }, () => live.open(abort.signal));

    await vi.advanceTimersByTimeAsync(10_500);
    const whileWatching = looks;
    abort.abort();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(tabs).toHaveLength(50);
    expect(whileWatching).toBe(6);
    expect([looks, live.watching, vi.getTimerCount()]).toEqual([6, 0, 0]);
  });

  it("hear a comment every 15 seconds, and are asked anew who they are after ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const live = new Live(() => new Promise(() => undefined));
    const reader = (live.open(new AbortController().signal).body as ReadableStream<Uint8Array>).getReader();
    const text = async (): Promise<string | undefined> => {
      const { value } = await reader.read();
      return value === undefined ? undefined : new TextDecoder().decode(value);
    };

    const first = await text();
    await vi.advanceTimersByTimeAsync(15_000);
    const second = await text();
    await vi.advanceTimersByTimeAsync(585_000);
    let last: string | undefined;
    do last = await text();
    while (last !== undefined);

    expect(first).toBe("retry: 2000\n\n");
    expect(second).toBe(": still here\n\n");
    expect(live.watching).toBe(0);
  });

  it("and do not read get no more than a few events kept for them", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const live = new Live(() => Promise.resolve(overview));
    const response = live.open(new AbortController().signal);

    await vi.advanceTimersByTimeAsync(599_000);
    vi.advanceTimersByTime(2_000);

    const text = await response.text();
    expect(text.split("\n\n").filter((part) => part !== "").length).toBeLessThanOrEqual(5);
  });

  it("are at most 500", () => {
    const live = new Live(() => Promise.resolve(overview));
    const abort = new AbortController();
    for (let count = 0; count < 500; count += 1) live.open(abort.signal);

    expect(() => live.open(abort.signal)).toThrow(DashboardError);

    abort.abort();
    live.open(abort.signal);
    expect(live.watching).toBe(0);
  });
});

describe("an overview", () => {
  it("is read once for all who ask within two seconds, a failure as well", async () => {
    let now = 0;
    let looks = 0;
    const read = shareOverview(
      () => {
        looks += 1;
        return looks === 2 ? Promise.reject(new Error("away")) : Promise.resolve(overview);
      },
      () => now,
    );

    await Promise.all([read(), read(), read()]);
    now = 1_999;
    await read();
    now = 2_000;
    await expect(read()).rejects.toThrow("away");
    now = 3_000;
    await expect(read()).rejects.toThrow("away");
    now = 4_001;
    await read();
    // A clock that was set back.
    now = 10;
    await read();

    expect(looks).toBe(4);
  });
});

interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

interface Watched {
  readonly response: Response;
  readonly abort: AbortController;
  readonly texts: ServerEvent[];
  readonly ended: Promise<void>;
  /** The first events of this name, when there are so many. */
  events(name: string, count: number): Promise<ServerEvent[]>;
}

async function watch(board: Board): Promise<Watched> {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await board.ask("api/live", { signal: abort.signal }, "viewer");
  const texts: ServerEvent[] = [];
  const ended = collect(response, texts);
  return {
    ...{ response, abort, texts, ended },
    events: (name, count) =>
      vi.waitUntil(
        () => {
          const found = texts.filter(({ event }) => event === name);
          return found.length >= count && found;
        },
        { timeout: 15_000 },
      ) as Promise<ServerEvent[]>,
  };
}

async function collect({ body }: Response, texts: ServerEvent[]): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? [];
      if (event !== undefined && data !== undefined) texts.push({ event, data });
    }
  }
}
