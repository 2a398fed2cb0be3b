import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../dashboard", import.meta.url));
const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};
const forever = "public, max-age=31536000, immutable";

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** The prebuilt front end, read once. */
export class Assets {
  readonly #page: Asset;
  readonly #etag: string;
  readonly #files: ReadonlyMap<string, Asset>;

  constructor() {
    this.#page = readAsset("index.html", "text/html; charset=utf-8");
    this.#etag = `"${createHash("sha256").update(this.#page.bytes).digest("base64url")}"`;
    this.#files = new Map(
      readdirSync(`${folder}/assets`).flatMap((name) => {
        const type = types[name.split(".").at(-1) ?? ""];
        return type === undefined ? [] : [[name, readAsset(`assets/${name}`, type)] as const];
      }),
    );
  }

  /** The page; what the browser has already is not sent again. */
  page(request: Request): Response {
    const headers = { etag: this.#etag, "cache-control": "no-cache" };
    if (request.headers.get("if-none-match") === this.#etag) {
      return new Response(null, { status: 304, headers });
    }
    return new Response(this.#page.bytes, {
      headers: { ...headers, "content-type": this.#page.type },
    });
  }

  /** A file of the page; its name changes with what is in it. Undefined when there is none. */
  file(name: string): Response | undefined {
    const asset = this.#files.get(name);
    if (asset === undefined) return undefined;
    const headers = { "content-type": asset.type, "cache-control": forever };
    return new Response(asset.bytes, { headers });
  }
}

function readAsset(path: string, type: string): Asset {
  return { bytes: new Uint8Array(readFileSync(`${folder}/${path}`)), type };
}
