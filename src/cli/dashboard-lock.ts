import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { userInfo } from "node:os";
import type { Authorize, FetchHandler, Identity } from "../dashboard/dashboard.ts";
import { secured } from "../dashboard/security.ts";

/** What lets somebody see a dashboard of the command line: a link that works once, or a password. */
export type Lock =
  | { readonly kind: "link"; readonly token: string }
  | { readonly kind: "password"; readonly password: string };

const loginPath = "/login";
const secretBytes = 32;

/** A lock whose link nobody can guess. */
export function linkLock(): Lock {
  return { kind: "link", token: randomBytes(secretBytes).toString("base64url") };
}

/** What to open: with the token, where there is one. */
export function linkTo(url: string, lock: Lock): string {
  return lock.kind === "link" ? `${url}${loginPath}?token=${lock.token}` : `${url}/`;
}

/** Puts a lock before a dashboard, which is made with what says who is let in. `port` tells this dashboard's cookie from others'. */
export function locked(
  lock: Lock,
  port: number,
  make: (authorize: Authorize) => FetchHandler,
): FetchHandler {
  return lock.kind === "link" ? behindLink(lock.token, port, make) : behindPassword(lock, make);
}

function behindLink(
  token: string,
  port: number,
  make: (authorize: Authorize) => FetchHandler,
): FetchHandler {
  // Cookies are shared by all ports of a host.
  const cookie = `pawl-dashboard-${port}`;
  const session = randomBytes(secretBytes).toString("base64url");
  const identity: Identity = { name: nameOfUser(), role: "admin" };
  const handler = make((request) =>
    isSame(cookieOf(request, cookie), session) ? identity : null,
  );
  let isUsed = false;
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== loginPath) return handler(request);
    // Whoever may not ask for anything else is not let in here, either.
    const refusal = await handler(new Request(new URL("/api/session", request.url), request));
    if (refusal.status !== 200 && refusal.status !== 401) return refusal;
    if (isUsed || request.method !== "GET" || !isSame(searchParams.get("token"), token)) {
      return plain(403, "This link was used before, or is not the right one: start the dashboard again.\n");
    }
    isUsed = true;
    return loggedIn(`${cookie}=${session}; HttpOnly; SameSite=Strict; Path=/`);
  };
}

// The page goes on by itself: after a redirect, a browser that came from another site would not send the cookie.
function loggedIn(cookie: string): Response {
  const page =
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/">' +
    '<title>Pawl</title><p><a href="/">Go on to the dashboard</a></p></html>\n';
  const headers = { "content-type": "text/html; charset=utf-8", "set-cookie": cookie };
  return secured(new Response(page, { headers }));
}

function behindPassword(
  { password }: { readonly password: string },
  make: (authorize: Authorize) => FetchHandler,
): FetchHandler {
  const handler = make((request) => basicIdentity(request, password));
  return async (request) => {
    const response = await handler(request);
    if (response.status === 401) {
      response.headers.set("www-authenticate", 'Basic realm="Pawl", charset="UTF-8"');
    }
    return response;
  };
}

function basicIdentity({ headers }: Request, password: string): Identity | null {
  const [, encoded = ""] = /^Basic +([\w+/=-]+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  const credentials = Buffer.from(encoded, "base64").toString();
  const colon = credentials.indexOf(":");
  if (colon === -1 || !isSame(credentials.slice(colon + 1), password)) return null;
  return { name: credentials.slice(0, Math.min(colon, 255)) || "anyone", role: "admin" };
}

function cookieOf({ headers }: Request, name: string): string | undefined {
  const cookies = (headers.get("cookie") ?? "").split(/;\s*/);
  return cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
}

// Hashes have one length, and are compared in the same time whatever is in them.
function isSame(given: string | null | undefined, expected: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return typeof given === "string" && timingSafeEqual(hash(given), hash(expected));
}

// Some systems do not know who runs a process.
function nameOfUser(): string {
  try {
    return userInfo().username || "anyone";
  } catch {
    return "anyone";
  }
}

function plain(status: number, text: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return secured(new Response(text, { status, headers }));
}
