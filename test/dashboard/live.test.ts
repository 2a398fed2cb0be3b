import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DatabaseError } from "pawl";
import type { Overview } from "#pawl/dashboard/api";
import { Live } from "#pawl/dashboard/live";
import { shareOverview } from "#pawl/dashboard/shared-overview";

const overview = { now: "2026-01-01T00:00:00.000Z" } as Overview; // what is in it is of no matter here

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a stream has sent so far. */
function follow(response: Response): { text: () => string; ended: Promise<void> } {
  let text = "";
  const consume = async (): Promise<void> => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? [])
      text += chunk;
  };
  return { text: () => text, ended: consume() };
}

function freshLive(read: () => Promise<Overview> = () => Promise.resolve(overview)) {
  const reading = vi.fn(read);
  return { reading, live: new Live(shareOverview(reading, Date.now)) };
}

function tabRequest(signal?: AbortSignal): Request {
  return new Request("http://localhost/api/live", signal === undefined ? {} : { signal });
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // what the flag brings
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}

const ticks = (text: string) => text.split("event: tick\n").length - 1;

describe("live", () => {
  it("sends a tick at once, and one every two seconds", async () => {
    const { live } = freshLive();
    const response = live.open(tabRequest());
    const followed = follow(response);

    await vi.advanceTimersByTimeAsync(5_000);

    expect(response.headers.get("content-type")).toMatch("text/event-stream");
    expect(ticks(followed.text())).toBe(3);
    expect(followed.text()).toContain(`data: ${JSON.stringify({ overview })}\n\n`);
  });

  it("reads once for all who watch", async () => {
    const { live, reading } = freshLive();
    const all = Array.from({ length: 20 }, () => follow(live.open(tabRequest())));

    await vi.advanceTimersByTimeAsync(1_000);
    all.push(follow(live.open(tabRequest())));
    await vi.advanceTimersByTimeAsync(3_500);

    expect(reading).toHaveBeenCalledTimes(3);
    expect(all.map(({ text }) => ticks(text()))).toEqual(all.map(() => 3));
  });

  it("does nothing while nobody watches", async () => {
    const { live, reading } = freshLive();
    const tab = new AbortController();
    const { ended } = follow(live.open(tabRequest(tab.signal)));
    await vi.advanceTimersByTimeAsync(100);

    tab.abort();
    await ended;
    await vi.advanceTimersByTimeAsync(0);

    expect(live.watching).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reading).toHaveBeenCalledTimes(1);
  });

  it("ends when its reader goes away, and begins anew with the next", async () => {
    const { live } = freshLive();
    await live.open(tabRequest()).body?.cancel();
    const next = follow(live.open(tabRequest()));

    await vi.advanceTimersByTimeAsync(2_500);

    expect(live.watching).toBe(1);
    expect(ticks(next.text())).toBe(2);
  });

  it("says that the database is away, without saying where, and goes on when it is back", async () => {
    let isAway = true;
    const { live } = freshLive(() =>
      isAway
        ? Promise.reject(new DatabaseError("PAWL_DATABASE_UNAVAILABLE", "no db.example.com"))
        : Promise.resolve(overview),
    );
    const followed = follow(live.open(tabRequest()));
    await vi.advanceTimersByTimeAsync(100);
    expect(followed.text()).toContain('event: trouble\ndata: {"code":"PAWL_DATABASE_UNAVAILABLE"');
    expect(followed.text()).not.toContain("example.com");

    isAway = false;
    await vi.advanceTimersByTimeAsync(4_000);

    expect(ticks(followed.text())).toBeGreaterThan(0);
  });

  it("keeps proxies from closing a quiet connection", async () => {
    const { live } = freshLive(() => new Promise(() => undefined));
    const followed = follow(live.open(tabRequest()));

    await vi.advanceTimersByTimeAsync(31_000);

    expect(followed.text().split(": still here\n\n")).toHaveLength(3);
  });

  it("keeps nothing for a reader that does not read", async () => {
    const { live } = freshLive();
    const response = live.open(tabRequest());
    await vi.advanceTimersByTimeAsync(60_000);

    const followed = follow(response);
    await vi.advanceTimersByTimeAsync(0);

    expect(ticks(followed.text())).toBeLessThanOrEqual(4);
  });

  it("ends after ten minutes, so that its reader is asked anew who it is", async () => {
    const { live } = freshLive();
    const { ended } = follow(live.open(tabRequest()));

    await vi.advanceTimersByTimeAsync(600_000);

    await ended;
    expect(live.watching).toBe(0);
  });

  // A request that nobody held passed nothing on to its signal, and streams of tabs that had gone stayed for ten minutes.
  it("ends with its request when that is all that is left of it", async () => {
    vi.useRealTimers();
    const { live } = freshLive();
    const tab = new AbortController();
    const { ended } = follow(live.open(tabRequest(tab.signal)));
    await collectGarbage();

    tab.abort();

    await ended;
    expect(live.watching).toBe(0);
  });

  it("ends at once where the request has gone already", async () => {
    const { live } = freshLive();

    await follow(live.open(tabRequest(AbortSignal.abort()))).ended;

    expect(live.watching).toBe(0);
  });
});

describe("a shared overview", () => {
  it("serves for two seconds, and no longer", async () => {
    const reading = vi.fn(() => Promise.resolve(overview));
    let nowMs = 10_000;
    const read = shareOverview(reading, () => nowMs);

    await Promise.all([read(), read()]);
    nowMs += 1_999;
    await read();
    expect(reading).toHaveBeenCalledTimes(1);

    nowMs += 1;
    await read();
    expect(reading).toHaveBeenCalledTimes(2);
  });

  it.each([
    [100, 2_000],
    [400, 4_000],
    [3_000, 5_000],
  ])("that took %d ms serves for %d ms", async (tookMs, servesMs) => {
    let nowMs = 10_000;
    const reading = vi.fn(() => {
      nowMs += tookMs;
      return Promise.resolve(overview);
    });
    const read = shareOverview(reading, () => nowMs);
    await read();

    nowMs = 10_000 + servesMs - 1;
    await read();
    expect(reading).toHaveBeenCalledTimes(1);

    nowMs += 1;
    await read();
    expect(reading).toHaveBeenCalledTimes(2);
  });

  it("is read anew when the clock was set back", async () => {
    const reading = vi.fn(() => Promise.resolve(overview));
    let nowMs = 10_000;
    const read = shareOverview(reading, () => nowMs);
    await read();

    nowMs = 0;
    await read();

    expect(reading).toHaveBeenCalledTimes(2);
  });
});
