import type { Contender } from "../contenders/contender.ts";
import type { BenchServer } from "./bench-server.ts";
import { PostgresServer, postgresSettings } from "./postgres.ts";
import { installedRedis, RedisServer, redisSettings } from "./redis.ts";

/** The servers of a run. They stand idle while the other one is measured. */
export class Servers {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer | undefined;
  #effectsUrl: string | undefined;

  private constructor(postgres: PostgresServer, redis: RedisServer | undefined) {
    this.postgres = postgres;
    this.redis = redis;
  }

  static async start(): Promise<Servers> {
    const postgres = await PostgresServer.start();
    const redis = installedRedis() === undefined ? undefined : await RedisServer.start();
    return new Servers(postgres, redis);
  }

  /** What they were started with. */
  get settings(): Record<string, string> {
    const redis = this.redis === undefined ? {} : { redis: redisSettings };
    return { postgres: postgresSettings, ...redis };
  }

  of(kind: Contender["server"]): BenchServer {
    if (kind === "postgres") return this.postgres;
    if (this.redis === undefined) throw new Error("expected redis-server to be installed");
    return this.redis;
  }

  /** Why a contender cannot be measured; undefined when its server is there. */
  missing(kind: Contender["server"]): string | undefined {
    return kind === "redis" && this.redis === undefined
      ? "redis-server is not installed"
      : undefined;
  }

  /** For a contender whose own server has no tables. */
  async effectsUrlFor(kind: Contender["server"]): Promise<string | undefined> {
    if (kind === "postgres") return undefined;
    this.#effectsUrl ??= await this.postgres.makeDatabase();
    return this.#effectsUrl;
  }

  async stop(): Promise<void> {
    await this.redis?.stop();
    await this.postgres.stop();
  }
}
