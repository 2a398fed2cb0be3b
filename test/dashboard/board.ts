import { dashboard, type DashboardOptions, type FetchHandler, type Role } from "pawl/dashboard";
import type { ApiFailure, AuditRow, Changes, Reads } from "#pawl/dashboard/api";
import type { Engine } from "../support/engine.ts";

/** Where the dashboard of a test is mounted. */
export const mount = "http://app.test/ops/jobs/";

/** What the API has answered. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** A dashboard as a program asks it: everybody says who they are in a header. */
export class Board {
  readonly handler: FetchHandler;

  constructor(engine: Pick<Engine, "pawl">, options: Partial<DashboardOptions> = {}) {
    this.handler = dashboard(engine.pawl, { authorize: whoIs, ...options });
  }

  /** Sends a request as somebody of this role. */
  ask(path: string, init: RequestInit = {}, role: Role | "nobody" = "admin"): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("x-role", role);
    return this.handler(new Request(new URL(path, mount), { ...init, headers }));
  }

  /** Reads something. */
  async read<Name extends keyof Reads>(
    name: Name,
    params: Reads[Name]["params"] = {},
    role: Role = "admin",
  ): Promise<Answer<Reads[Name]["answer"]>> {
    const query = new URLSearchParams(params as Record<string, string>);
    return answerOf(await this.ask(`api/${name}?${query.toString()}`, {}, role));
  }

  /** Changes something, as the dashboard's own page does. */
  async change<Name extends keyof Changes>(
    name: Name,
    body: Changes[Name]["body"],
    role: Role = "admin",
  ): Promise<Answer<Changes[Name]["answer"]>> {
    return answerOf(await this.ask(`api/${name}`, posted(body), role));
  }

  /** The newest entries of the audit. */
  async audit(): Promise<readonly AuditRow[]> {
    return (await this.read("audit", { limit: "200" })).body.entries;
  }
}

/** A request as the page sends it with a change. */
export function posted(body: unknown): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", "x-pawl-dashboard": "1" },
    body: JSON.stringify(body),
  };
}

/** The code of a refusal. */
export function codeOf({ body }: Answer<unknown>): string {
  return (body as ApiFailure).error.code;
}

async function answerOf<T>(response: Response): Promise<Answer<T>> {
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as T };
}

function whoIs(request: Request): { name: string; role: Role } | null {
  const role = request.headers.get("x-role") as Role | "nobody" | null;
  return role === null || role === "nobody" ? null : { name: `a ${role}`, role };
}
