import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";

/** The prebuilt front end, as files that are known by their names. */
export interface Assets {
  /** The page itself; undefined where the front end was not built. */
  readonly page: Asset | undefined;
  /** What the page loads, by file name. */
  readonly files: ReadonlyMap<string, Asset>;
}

/** One file of the front end. */
export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

// Such a name changes with what is in the file: `index-C2fE9_aB.js`.
const hashed = /[-.][\w-]{8,}\.\w+$/;

/** Reads the front end once, from the folder `dashboard` of the package; what is not there then is not served later. */
export function readAssets(folder: URL): Assets {
  const names = namesIn(new URL("assets/", folder));
  return {
    page: readPage(new URL("index.html", folder)),
    files: new Map(
      names
        .filter((name) => extname(name) in types)
        .map((name) => [name, readAsset(new URL(`assets/${encodeURIComponent(name)}`, folder))]),
    ),
  };
}

/** A file of the front end; the page with 304 when the browser has it already. */
export function serve({ body, headers }: Asset, request: Request): Response {
  const tag = headers.etag;
  const isKnown = tag !== undefined && request.headers.get("if-none-match")?.includes(tag);
  if (isKnown) return new Response(null, { status: 304, headers });
  return new Response(request.method === "HEAD" ? null : body, { headers });
}

function readPage(file: URL): Asset | undefined {
  try {
    const page = readAsset(file);
    const tag = `"${createHash("sha256").update(page.body).digest("base64url").slice(0, 22)}"`;
    return { ...page, headers: { ...page.headers, etag: tag, "cache-control": "no-store" } };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function readAsset(file: URL): Asset {
  const type = types[extname(file.pathname)] ?? "application/octet-stream";
  const lasting = hashed.test(file.pathname) ? "private, max-age=31536000, immutable" : "no-cache";
  return {
    body: new Uint8Array(readFileSync(file)),
    headers: { "content-type": type, "cache-control": lasting },
  };
}

function namesIn(folder: URL): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
