import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const made: string[] = [];

afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

/** Makes an empty directory that any user can enter; it is removed when the test file has ended. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "pawl-test-"));
  chmodSync(path, 0o755);
  made.push(path);
  return path;
}
