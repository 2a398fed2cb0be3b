import type { ApiFailure, Changes, Reads } from "../../src/dashboard/api.ts";

/** What was refused or could not be done, in the server's own words. */
export class ApiError extends Error {
  readonly code: string;
  /** Of the answer; 0 when there was none. */
  readonly status: number;

  constructor(status: number, { code, message }: ApiFailure["error"]) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }

  /** Whether the same may go well a little later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** Whatever was thrown, as what a screen can tell. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, { code: "PAWL_DASHBOARD_FAILED", message: String(error) });
}

/** Reads something. Throws `ApiError`, or the reason of `signal` when it aborts. */
export async function read<Name extends keyof Reads>(
  name: Name,
  params: Reads[Name]["params"],
  signal?: AbortSignal,
): Promise<Reads[Name]["answer"]> {
  const query = new URLSearchParams(chosen(params)).toString();
  const address = query === "" ? `api/${name}` : `api/${name}?${query}`;
  return answer<Reads[Name]["answer"]>(address, { signal: signal ?? null });
}

/** Changes something. Throws `ApiError`. */
export async function change<Name extends keyof Changes>(
  name: Name,
  body: Changes[Name]["body"],
): Promise<Changes[Name]["answer"]> {
  return answer<Changes[Name]["answer"]>(`api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-pawl-dashboard": "1" },
    body: JSON.stringify(body),
  });
}

async function answer<Answer>(address: string, init: RequestInit): Promise<Answer> {
  const response = await send(address, init);
  const said: unknown = await response.json().catch(() => undefined);
  init.signal?.throwIfAborted();
  if (response.ok && said !== undefined) return said as Answer; // the contract with our own server
  throw new ApiError(response.status, failureIn(said) ?? unexpected(response.status));
}

async function send(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, { ...init, credentials: "same-origin", redirect: "error" });
  } catch (error) {
    init.signal?.throwIfAborted();
    throw new ApiError(0, {
      code: "PAWL_DASHBOARD_UNREACHABLE",
      message: `the application does not answer: ${error instanceof Error ? error.message : "no reason given"}`,
    });
  }
}

function chosen(params: object): [string, string][] {
  return Object.entries(params).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "",
  );
}

function failureIn(said: unknown): ApiFailure["error"] | undefined {
  // Whatever it is, its two properties are checked here.
  const { error } = (said ?? {}) as { readonly error?: Partial<ApiFailure["error"]> };
  if (typeof error?.code !== "string" || typeof error.message !== "string") return undefined;
  return { code: error.code, message: error.message };
}

function unexpected(status: number): ApiFailure["error"] {
  return {
    code: "PAWL_DASHBOARD_UNREACHABLE",
    message: `expected an answer of Pawl, got something else with the status ${status}`,
  };
}
