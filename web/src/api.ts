import { signal } from "@preact/signals";
import type { ApiFailure, Changes, Reads } from "../../src/dashboard/api.ts";

/** That the server refused something, or could not be asked. */
export class Failure extends Error {
  readonly code: string;
  /** Of HTTP; 0 when there was no answer. */
  readonly status: number;

  constructor(message: string, { code, status }: { code: string; status: number }) {
    super(message);
    this.name = "Failure";
    this.code = code;
    this.status = status;
  }

  /** Whether it may well go better the next time, without anybody doing something about it. */
  get isPassing(): boolean {
    // Somebody who is not signed in can do so in another tab.
    return this.status === 0 || this.status === 401 || this.status >= 500;
  }
}

/** What cannot be read at the moment, by the name of the read: shown in a banner until it can be read again. */
export const troubles = signal<ReadonlyMap<string, Failure>>(new Map());

/** Reads something. Addresses are relative, so that they work under whatever path the page was served from. */
export async function read<Name extends keyof Reads>(
  name: Name,
  params: Reads[Name]["params"],
  aborted?: AbortSignal,
): Promise<Reads[Name]["answer"]> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries<unknown>({ ...params })) {
    if (typeof value === "string" && value !== "") query.set(key, value);
  }
  const text = query.toString();
  const address = text === "" ? `api/${name}` : `api/${name}?${text}`;
  try {
    const answer = await ask(address, aborted === undefined ? {} : { signal: aborted });
    forget(name);
    // The server's side of the contract holds the same type.
    return answer as Reads[Name]["answer"];
  } catch (error) {
    if (error instanceof Failure && error.isPassing) note(name, error);
    throw error;
  }
}

/** Changes something; throws a `Failure` with what the server says when it does not want to. */
export async function change<Name extends keyof Changes>(
  name: Name,
  body: Changes[Name]["body"],
): Promise<Changes[Name]["answer"]> {
  const answer = await ask(`api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-pawl-dashboard": "1" },
    body: JSON.stringify(body),
  });
  // The server's side of the contract holds the same type.
  return answer as Changes[Name]["answer"];
}

/** Stops saying that something cannot be read: nobody wants to read it any more, or it was read. */
export function forget(name: string): void {
  if (!troubles.value.has(name)) return;
  troubles.value = new Map([...troubles.value].filter(([each]) => each !== name));
}

/** Says that something cannot be read at the moment. */
export function note(name: string, failure: Failure): void {
  troubles.value = new Map([...troubles.value, [name, failure]]);
}

async function ask(address: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, { ...init, credentials: "same-origin", cache: "no-store" });
    text = await response.text();
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Failure("The server of the dashboard cannot be reached.", {
      ...{ code: "PAWL_DASHBOARD_UNREACHABLE", status: 0 },
    });
  }
  const answer = jsonOf(text);
  if (response.ok && answer !== undefined) return answer;
  throw isFailure(answer)
    ? new Failure(answer.error.message, { code: answer.error.code, status: response.status })
    : new Failure(`The server answered ${response.status} without saying why.`, {
        ...{ code: "PAWL_DASHBOARD_ANSWER", status: response.status },
      });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFailure(answer: unknown): answer is ApiFailure {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return false;
  const { error } = answer;
  return typeof error === "object" && error !== null && "message" in error && "code" in error;
}
