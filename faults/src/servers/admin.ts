import { Client } from "pg";

/** A connection for whoever asks often. */
export async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Runs statements on a connection of their own, one after another; returns the rows of the last. */
export async function execute<Row extends object = Record<string, unknown>>(
  url: string,
  ...statements: readonly string[]
): Promise<readonly Row[]> {
  const client = await connect(url);
  try {
    let rows: readonly Row[] = [];
    for (const statement of statements) ({ rows } = await client.query<Row>(statement));
    return rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether the server stops answering within this time. */
export async function isSilentWithin(url: string, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    try {
      await execute(url, "select 1");
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** Resolves when the server answers. */
export async function untilAnswering(url: string, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      await execute(url, "select 1");
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const others = `
  select pid from pg_stat_activity
   where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
   order by random()`;

/** The process ids of a database's other sessions, in any order. */
export async function sessionsOf(url: string): Promise<readonly number[]> {
  return (await execute<{ pid: number }>(url, others)).map(({ pid }) => pid);
}

/** Ends a database's other sessions, or some of them; returns how many. */
export async function endSessions(url: string, atMost = 1_000): Promise<number> {
  const end = `select pg_terminate_backend(pid) from (${others} limit ${atMost}) as victims`;
  return (await execute(url, end)).length;
}
