import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { BenchServer, Costs } from "./bench-server.ts";
import { processorTimeMs } from "./processor-time.ts";

const settings = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"];

/** For the report. */
export const redisSettings = "appendonly yes, appendfsync everysec, no snapshots";

/** A Redis server of the benchmark's own, from the `redis-server` that is installed. */
export class RedisServer implements BenchServer {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #directory: string;

  private constructor(child: ChildProcess, url: string, directory: string) {
    this.version = installedRedis() ?? "";
    this.#child = child;
    this.#url = url;
    this.#directory = directory;
  }

  static async start(): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), "pawl-bench-redis-"));
    const port = await freePort();
    const given = ["--bind", "127.0.0.1", "--port", String(port), "--dir", directory, ...settings];
    const child = spawn("redis-server", given, { stdio: "ignore" });
    process.once("exit", () => {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    });
    const server = new RedisServer(child, `redis://127.0.0.1:${port}`, directory);
    await server.#client((redis) => redis.ping());
    return server;
  }

  async makeDatabase(): Promise<string> {
    await this.#client((redis) => redis.flushall());
    return this.#url;
  }

  async dropDatabase(): Promise<void> {
    await this.#client((redis) => redis.flushall());
  }

  async costs(): Promise<Costs> {
    const info = await this.#client((redis) => redis.info());
    const valueOf = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1]);
    return {
      cpuMs: await processorTimeMs(this.#child.pid ?? 0),
      logBytes: valueOf("aof_current_size"),
      commits: NaN,
      roundTrips: valueOf("total_reads_processed"),
      deadRows: NaN,
    };
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #client<Result>(use: (redis: Redis) => Promise<Result>): Promise<Result> {
    const redis = new Redis(this.#url);
    try {
      return await use(redis);
    } finally {
      redis.disconnect();
    }
  }
}

/** The version of the installed server; undefined when there is none. */
export function installedRedis(): string | undefined {
  const { stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return /v=(\S+)/.exec(stdout)?.[1];
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
