import { randomUUID } from "node:crypto";
import { expect, it, onTestFinished, vi, type Mock } from "vitest";
import type { Listener } from "#pawl/db/database";
import { namedUrl } from "../../fixtures/sessions.ts";
import { execute } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { opened, type Driver } from "./driver.ts";

export function listenClauses(driver: Driver): void {
  it("hears a notification, with what it says", async () => {
    const { channel, notified, notify } = await listening(driver);

    await notify(channel, "news");

    await eventually(() => notified.mock.calls.length === 1);
    expect(notified).toHaveBeenCalledWith("news");
  });

  it("hears nothing of another channel", async () => {
    const { channel, notified, notify } = await listening(driver);

    await notify("elsewhere");
    await notify(channel);

    await eventually(() => notified.mock.calls.length > 0);
    expect(notified).toHaveBeenCalledTimes(1);
  });

  it("listens on a channel of any name", async () => {
    const { channel, notified, notify } = await listening(driver, 'we "ird; name');

    await notify(channel);

    await eventually(() => notified.mock.calls.length === 1);
  });

  if (driver.sessions === "many") manySessionsClauses(driver);
  else oneSessionClauses(driver);
}

function manySessionsClauses(driver: Driver): void {
  it("says once that it was lost when its backend is killed", async () => {
    const session = await listening(driver);
    const { lost } = session;

    await killBackend(session);

    await eventually(() => lost.mock.calls.length > 0);
    expect(lost).toHaveBeenCalledTimes(1);
    expect(lost).toHaveBeenCalledWith(
      expect.objectContaining({ code: "PAWL_DATABASE_UNAVAILABLE" }),
    );
  });

  it("can be closed after it was lost", async () => {
    const session = await listening(driver);
    const { lost, listener } = session;
    await killBackend(session);
    await eventually(() => lost.mock.calls.length > 0);

    await listener.close();

    expect(lost).toHaveBeenCalledTimes(1);
  });

  it("ends its connection when it is closed, and says nothing", async () => {
    const { channel, lost, notified, listener, notify, backend } = await listening(driver);

    await listener.close();
    await listener.close();

    await eventually(async () => (await backend()) === undefined);
    await notify(channel);
    expect(lost).not.toHaveBeenCalled();
    expect(notified).not.toHaveBeenCalled();
  });

  it("rejects when the server cannot be reached", async () => {
    const database = opened(driver, {}, "postgres://someone:hunter2@127.0.0.1:1/nowhere");
    const lost = vi.fn();

    const listen = database.listen("any", { notified: () => undefined, lost });

    await expect(listen).rejects.toMatchObject({ code: "PAWL_DATABASE_UNAVAILABLE" });
    expect(lost).not.toHaveBeenCalled();
  });

  it("takes no connection from the pool", async () => {
    const database = opened(driver, { maxConnections: 1, queryTimeout: 10_000 });
    const tx = await database.begin();

    const listener = await database.listen("apart", { notified: () => undefined, lost: vi.fn() });

    await listener.close();
    await tx.rollback();
  });
}

function oneSessionClauses(driver: Driver): void {
  it("leaves its channel when it is closed, and says nothing", async () => {
    const { channel, lost, notified, listener, notify } = await listening(driver);

    await listener.close();
    await listener.close();

    const channels = await driver.server.execute("select pg_listening_channels() as channel");
    expect(channels).toEqual([]);
    await notify(channel);
    expect(lost).not.toHaveBeenCalled();
    expect(notified).not.toHaveBeenCalled();
  });

  it("waits for the end of a transaction that is open", async () => {
    const database = opened(driver);
    const tx = await database.begin();
    const events = { notified: () => undefined, lost: vi.fn() };

    const listening = database.listen("apart", events);

    await tx.rollback();
    await (await listening).close();
  });
}

interface Listening {
  channel: string;
  notified: Mock<(payload: string) => void>;
  lost: Mock<(error: unknown) => void>;
  listener: Listener;
  notify(channel: string, payload?: string): Promise<unknown>;
  /** The listener's backend, if it is there. */
  backend(): Promise<number | undefined>;
}

async function listening(driver: Driver, channel = "jobs"): Promise<Listening> {
  const url = await listeningDatabase(driver);
  const name = `listener ${randomUUID()}`;
  const notified = vi.fn<(payload: string) => void>();
  const lost = vi.fn<(error: unknown) => void>();
  const listener = await opened(driver, {}, namedUrl(name, url)).listen(channel, {
    notified,
    lost,
  });
  onTestFinished(() => listener.close());
  const notify = (to: string, payload = ""): Promise<unknown> =>
    driver.server.execute("select pg_notify($1, $2)", [to, payload], url);
  return { channel, notified, lost, listener, notify, backend: () => backendNamed(name) };
}

/** A database where nobody else sends notifications. */
function listeningDatabase(driver: Driver): Promise<string> {
  const known = made.get(driver) ?? driver.server.freshDatabase();
  made.set(driver, known);
  return known;
}

const made = new Map<Driver, Promise<string>>();

async function backendNamed(name: string): Promise<number | undefined> {
  const text = "select pid from pg_stat_activity where application_name = $1";
  const [row] = await execute<{ pid: number }>(text, [name]);
  return row?.pid;
}

async function killBackend({ backend }: Listening): Promise<void> {
  await execute("select pg_terminate_backend($1, 5000)", [await backend()]);
}
