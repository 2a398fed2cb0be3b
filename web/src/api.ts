import type { ApiFailure, Changes, Reads } from "../../src/dashboard/api.ts";

/** What the server refused, or why there was no answer. */
export class ApiError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Reads something. Throws `ApiError`. */
export async function read<Name extends keyof Reads>(
  name: Name,
  params: Reads[Name]["params"],
  signal?: AbortSignal,
): Promise<Reads[Name]["answer"]> {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== "");
  const query = new URLSearchParams(given as [string, string][]).toString(); // parameters are texts
  const url = query === "" ? `./api/${name}` : `./api/${name}?${query}`;
  return request(url, signal === undefined ? {} : { signal });
}

/** Changes something. Throws `ApiError`. */
export async function change<Name extends keyof Changes>(
  name: Name,
  body: Changes[Name]["body"],
): Promise<Changes[Name]["answer"]> {
  return request(`./api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-pawl-dashboard": "1" },
    body: JSON.stringify(body),
  });
}

async function request<Answer>(url: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, credentials: "same-origin" });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError("UNREACHABLE", "The dashboard's server cannot be reached.");
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as Answer; // as the contract has it
  const failure = answer as ApiFailure | undefined;
  throw new ApiError(failure?.error.code ?? "FAILED", failure?.error.message ?? "It failed.");
}
