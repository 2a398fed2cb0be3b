import type { EmbeddedPostgres } from "pawl/embedded";
import { execute } from "./admin.ts";
import { templateDatabase, type Settings, type Template } from "./template.ts";

/** The database of one run. */
export interface Site {
  /** As the run's processes reach it, but for their proxies. */
  url: string;
  /** The database itself. Both are other ones after a failover. */
  directUrl: string;
  /** A server that only this run uses. */
  readonly server?: EmbeddedPostgres;
  /** Takes away what stands before the database, which has sessions of its own. */
  readonly leave?: () => Promise<void>;
  close(): Promise<void>;
}

/** What sites are made of, for as long as a campaign lasts. */
export class Grounds {
  readonly template: Template;
  readonly #shared: Promise<EmbeddedPostgres>;
  #databases = 0;

  constructor(template: Template) {
    this.template = template;
    this.#shared = template.startServer();
    this.#shared.catch(() => undefined);
  }

  /** A database of its own on the server that runs share. */
  async sharedSite(): Promise<Site> {
    const { url } = await this.#shared;
    const admin = Object.assign(new URL(url), { pathname: "/postgres" }).href;
    this.#databases += 1;
    const name = `run_${this.#databases}`;
    await execute(admin, `create database ${name} template ${templateDatabase}`);
    const own = Object.assign(new URL(url), { pathname: `/${name}` }).href;
    return {
      url: own,
      directUrl: own,
      close: async () => {
        await execute(admin, `drop database ${name} with (force)`);
      },
    };
  }

  /** A server of its own. */
  async ownSite(settings: Settings = {}): Promise<Site & { readonly server: EmbeddedPostgres }> {
    const server = await this.template.startServer(settings);
    return {
      url: server.url,
      directUrl: server.url,
      server,
      close: () => this.template.discard(server),
    };
  }

  async close(): Promise<void> {
    await this.#shared.then((server) => server.stop("immediate"));
    await this.template.remove();
  }
}
