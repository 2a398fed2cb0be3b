import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";

/** One file of the front end. */
export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The prebuilt front end. */
export interface Assets {
  /** The page itself; undefined where the front end was not built. */
  readonly page: Asset | undefined;
  /** What the page loads, by the names of the files. */
  readonly files: ReadonlyMap<string, Asset>;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

// Such a name changes with what is in the file: `index-C2fE9_aB.js`.
const hashedName = /[-.][\w-]{8,}\.\w+$/;

/** Reads the front end, once: what is not there then is not served later. */
export function readAssets(folder: URL = new URL("./", import.meta.url)): Assets {
  const inside = new URL("assets/", folder);
  const names = orMissing(() => readdirSync(inside)) ?? [];
  return {
    page: orMissing(() => readPage(new URL("index.html", folder))),
    files: new Map(
      names
        .filter((name) => extname(name) in types)
        .map((name) => [name, readFile(new URL(encodeURIComponent(name), inside))]),
    ),
  };
}

/** Answers with a file, or with 304 when the browser has it already. */
export function serve({ body, headers }: Asset, request: Request): Response {
  const { etag } = headers;
  const known = request.headers.get("if-none-match")?.split(/\s*,\s*/) ?? [];
  if (etag !== undefined && (known.includes(etag) || known.includes(`W/${etag}`))) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(request.method === "HEAD" ? null : body, { headers });
}

// It is kept nowhere, so that nobody sees the page of an older version; the tag is for proxies.
function readPage(file: URL): Asset {
  const { body, headers } = readFile(file);
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  return { body, headers: { ...headers, etag, "cache-control": "no-store" } };
}

function readFile(file: URL): Asset {
  const kept = hashedName.test(file.pathname)
    ? "private, max-age=31536000, immutable"
    : "private, no-cache";
  return {
    body: new Uint8Array(readFileSync(file)),
    headers: {
      "content-type": types[extname(file.pathname)] ?? "application/octet-stream",
      "cache-control": kept,
    },
  };
}

function orMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
