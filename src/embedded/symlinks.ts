import { readFile, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the symbolic links of the shared libraries that a package cannot carry. The platform package's install script
 * does the same, but installations often skip such scripts. Returns false when the folder cannot be written.
 */
export async function completeSymlinks(native: string): Promise<boolean> {
  for (const { source, target } of await listedLinks(native)) {
    try {
      await symlink(relative(dirname(target), source), join(native, target));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "EEXIST") return false;
    }
  }
  return true;
}

async function listedLinks(native: string): Promise<Link[]> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links: unknown = JSON.parse(list);
  if (!Array.isArray(links)) return [];
  return links.filter(isLink).map(({ source, target }) => ({
    source: relative("native", source),
    target: relative("native", target),
  }));
}

function isLink(entry: unknown): entry is Link {
  return (
    typeof entry === "object" &&
    entry !== null &&
    "source" in entry &&
    "target" in entry &&
    typeof entry.source === "string" &&
    typeof entry.target === "string"
  );
}
