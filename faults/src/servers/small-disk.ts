import { execFileSync } from "node:child_process";
import { chownSync, closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverAccount } from "./account.ts";

const chunk = Buffer.alloc(64 * 1024);

/** A file system in memory that is soon full. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  constructor(megabytes: number) {
    this.path = mkdtempSync(join(tmpdir(), "pawl-faults-disk-"));
    this.#ballast = join(this.path, "ballast");
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", this.path]);
    const { uid, gid } = serverAccount() ?? { uid: 0, gid: 0 };
    chownSync(this.path, uid, gid);
  }

  /** Writes until there is no room left. */
  fill(): void {
    const file = openSync(this.#ballast, "a");
    try {
      for (;;) writeSync(file, chunk);
    } catch (error) {
      if (Reflect.get(Object(error), "code") !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  remove(): void {
    execFileSync("umount", ["--lazy", this.path]);
    rmdirSync(this.path);
  }
}
