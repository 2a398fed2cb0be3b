import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** The user that servers run as when this process is root, as `pawl/embedded` chooses it. */
export function serverAccount(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (option: string) =>
    Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

/** Why nothing can be mounted here, if so. */
export function mountLacking(): string | undefined {
  if (process.getuid?.() !== 0) return "it mounts a small disk, which needs root";
  return existsSync("/bin/mount") ? undefined : "it mounts a small disk, and there is no `mount`";
}
