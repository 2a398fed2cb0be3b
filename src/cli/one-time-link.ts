import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Authorize, FetchHandler, Identity } from "../dashboard/dashboard.ts";

/** What somebody has to know to see a dashboard: a link that works once, or a password. */
export type Lock =
  | { readonly kind: "link"; readonly token: string }
  | { readonly kind: "password"; readonly password: string };

const cookieName = "pawl_dashboard";

/** Puts a lock before a dashboard, which is made with what says who is let in. */
export function guarded(lock: Lock, make: (authorize: Authorize) => FetchHandler): FetchHandler {
  return lock.kind === "link" ? behindLink(lock.token, make) : behindPassword(lock.password, make);
}

function behindLink(token: string, make: (authorize: Authorize) => FetchHandler): FetchHandler {
  let left: string | undefined = token;
  const session = randomBytes(32).toString("base64url");
  const handler = make((request) =>
    isSame(cookieOf(request), session) ? { name: "link", role: "admin" } : null,
  );
  return async (request) => {
    const url = new URL(request.url);
    if (url.pathname !== "/login") return handler(request);
    if (left === undefined || !isSame(url.searchParams.get("token"), left)) {
      return plain(403, "This link has been used, or is not the right one. Start the dashboard again.\n");
    }
    left = undefined;
    const cookie = `${cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/`;
    return plain(303, "", { location: "./", "set-cookie": cookie });
  };
}

function behindPassword(password: string, make: (authorize: Authorize) => FetchHandler): FetchHandler {
  const handler = make((request) => basicIdentity(request, password));
  return async (request) => {
    const response = await handler(request);
    if (response.status === 401) {
      response.headers.set("www-authenticate", 'Basic realm="Pawl", charset="UTF-8"');
    }
    return response;
  };
}

function basicIdentity(request: Request, password: string): Identity | null {
  const [, encoded = ""] = /^Basic\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  const [, name = "", given] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  if (given === undefined || !isSame(given, password)) return null;
  return { name: name === "" ? "anyone" : name, role: "admin" };
}

function cookieOf(request: Request): string | null {
  const cookies = (request.headers.get("cookie") ?? "").split(/;\s*/);
  const own = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`));
  return own?.slice(cookieName.length + 1) ?? null;
}

// Hashes are of one length, and take the same time to compare whatever is in them.
function isSame(given: string | null, expected: string): boolean {
  if (given === null) return false;
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  const safe = { "cache-control": "no-store", "referrer-policy": "no-referrer" };
  const type = { "content-type": "text/plain; charset=utf-8" };
  return new Response(text, { status, headers: { ...type, ...safe, ...headers } });
}
