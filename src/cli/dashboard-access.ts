import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { OptionError } from "../core/errors.ts";
import type { Identity } from "../dashboard/dashboard.ts";
import { say } from "./terminal.ts";

/** How people get into a dashboard that the command line serves. */
export interface Access {
  /** What opens it, relative to the server's address. */
  readonly link: string;
  authorize(request: Request): Identity | null;
  /** Answers before the dashboard does, or changes what it answered. */
  around(request: Request, answer: (request: Request) => Promise<Response>): Promise<Response>;
}

const shortestPassword = 12;
const tokenBytes = 32;
const longestName = 100;
const mostGuesses = 10;
const forgetMs = 60_000;
const plain = {
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
};

/** A link that works once, and gives the browser that opened it a cookie. Whoever reads the terminal may do everything. */
export function linkAccess(operator: string): Access {
  const token = randomBytes(tokenBytes).toString("base64url");
  const session = randomBytes(tokenBytes).toString("base64url");
  let isUsed = false;
  // Cookies are shared by all ports of a host.
  const cookie = `pawl-${randomBytes(6).toString("hex")}`;
  return {
    link: `/login?token=${token}`,
    authorize: (request) =>
      isSame(cookieOf(request, cookie), session) ? { name: operator, role: "admin" } : null,
    async around(request, answer) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname !== "/login") return answer(request);
      const isRight = isSame(searchParams.get("token") ?? "", token) && !isUsed;
      if (!isRight || request.method !== "GET") {
        const said =
          "This link has been used, or is of another start: run `pawl dashboard` anew.\n";
        return new Response(said, { status: 401, headers: plain });
      }
      isUsed = true;
      const value = `${cookie}=${session}; Path=/; HttpOnly; SameSite=Strict`;
      const headers = { ...plain, location: "./", "set-cookie": value };
      return new Response(null, { status: 303, headers });
    },
  };
}

/** A password that everybody gives with a name of their own. Throws `OptionError` when it is too short. */
export function passwordAccess(password: string): Access {
  if (password.length < shortestPassword) {
    const expected = `at least ${shortestPassword} characters`;
    throw new OptionError(`expected PAWL_DASHBOARD_PASSWORD to have ${expected}, got fewer`, {
      ...{ option: "PAWL_DASHBOARD_PASSWORD", expected, got: "fewer" },
    });
  }
  const isRight = ({ name, given }: Given): boolean => isSame(given, password) && name !== "";
  const guesses = new Guesses();
  const session = randomBytes(tokenBytes).toString("base64url");
  const cookie = `pawl-${randomBytes(6).toString("hex")}`;
  return {
    link: "/",
    authorize(request) {
      const given = basicOf(request);
      return isRight(given) ? { name: given.name, role: "admin" } : null;
    },
    async around(request, answer) {
      // Whoever has been in before is let in while others guess.
      const isKnown = isSame(cookieOf(request, cookie), session);
      if (!isKnown && guesses.areTooMany()) {
        const headers = { ...plain, "retry-after": String(forgetMs / 1_000) };
        return new Response("Too many wrong passwords: try again in a minute.\n", {
          status: 429,
          headers,
        });
      }
      if (request.headers.has("authorization") && !isRight(basicOf(request))) guesses.add();
      const response = await answer(request);
      if (response.status === 401) {
        response.headers.set("www-authenticate", 'Basic realm="Pawl", charset="UTF-8"');
      } else if (!isKnown) {
        const value = `${cookie}=${session}; Path=/; HttpOnly; SameSite=Strict`;
        response.headers.append("set-cookie", value);
      }
      return response;
    },
  };
}

/** Wrong passwords, from wherever they come: behind a proxy all addresses are one. */
class Guesses {
  #count = 0;
  #since = -Infinity;

  add(): void {
    if (this.#count === 0) this.#since = performance.now();
    this.#count += 1;
    if (this.#count !== mostGuesses) return;
    say(`pawl dashboard: ${mostGuesses} wrong passwords; for a minute nobody new is let in`);
  }

  areTooMany(): boolean {
    if (performance.now() - this.#since > forgetMs) this.#count = 0;
    return this.#count >= mostGuesses;
  }
}

// In a time that says nothing about what is right; of one length, whatever was given.
function isSame(given: string, right: string): boolean {
  return timingSafeEqual(digest(given), digest(right));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function cookieOf(request: Request, name: string): string {
  const cookies = (request.headers.get("cookie") ?? "").split(/;\s*/);
  return cookies.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

interface Given {
  readonly name: string;
  readonly given: string;
}

function basicOf(request: Request): Given {
  const [, encoded = ""] =
    /^basic\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  const decoded = Buffer.from(encoded, "base64").toString();
  const colon = decoded.indexOf(":");
  if (colon < 0) return { name: "", given: "" };
  return { name: decoded.slice(0, colon).slice(0, longestName), given: decoded.slice(colon + 1) };
}
