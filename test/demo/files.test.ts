import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readFacts } from "../../demo/src/file-facts.ts";
import { listFiles } from "../../demo/src/list-files.ts";
import { prove } from "../../demo/src/proof.ts";
import type { FileRow } from "../../demo/src/tables.ts";
import { handlerPauseMs } from "../../demo/src/worker-settings.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const { signal } = new AbortController();
let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
});

function write(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function rowOf(path: string): Promise<FileRow> {
  const facts = await readFacts(path, signal);
  return { path, sha256: facts?.sha256 ?? null, version: facts?.version ?? null };
}

describe("the list of files", () => {
  it("has regular files only, in the order of their names", async () => {
    const paths = ["a.txt", "b/one.txt", "b/two.txt", "c.txt"].map((name) => write(name, name));
    symlinkSync(join(directory, "a.txt"), join(directory, "link.txt"));
    symlinkSync(directory, join(directory, "loop"));
    execFileSync("mkfifo", [join(directory, "pipe")]);

    expect(await listFiles(directory, { limit: 100, without: [], signal })).toEqual(paths);
  });

  it("leaves out .git and what it is told to", async () => {
    const path = write("a.txt", "");
    write(".git/config", "");
    write("nested/.git/config", "");
    write("data/base", "");

    const without = [join(directory, "data")];

    expect(await listFiles(directory, { limit: 100, without, signal })).toEqual([path]);
  });

  it("ends at its limit", async () => {
    for (const name of ["a", "b", "c"]) write(name, "");

    expect(await listFiles(directory, { limit: 2, without: [], signal })).toHaveLength(2);
  });
});

describe("the facts of a file", () => {
  it.each([
    ["", 0],
    ["one", 1],
    ["one\n", 1],
    ["one\ntwo", 2],
    ["\n\n", 2],
  ])("of %j are its digest, its bytes and its lines", async (text, lines) => {
    const facts = await readFacts(write("file", text), signal);

    const sha256 = createHash("sha256").update(text).digest("hex");
    expect(facts).toMatchObject({ sha256, bytes: text.length, lines });
  });

  it("of a large file are read in pieces", async () => {
    const text = "a line of text\n".repeat(100_000);

    const facts = await readFacts(write("file", text), signal);

    expect(facts).toMatchObject({ bytes: text.length, lines: 100_000 });
  });

  it("are missing when the file is", async () => {
    expect(await readFacts(join(directory, "gone"), signal)).toBeUndefined();
  });

  it("are not taken from a directory", async () => {
    expect(await readFacts(directory, signal)).toBeUndefined();
  });
});

describe("the proof", () => {
  it("holds when each file has one row with its digest", async () => {
    const files = [write("a", "one"), write("b", "two")];

    const proof = await prove(files, await Promise.all(files.map(rowOf)), signal);

    expect(proof).toMatchObject({ ok: true, equalDigests: 2, changedFiles: 0 });
  });

  it("fails when a file has no row", async () => {
    const files = [write("a", "one"), write("b", "two")];

    const proof = await prove(files, [await rowOf(files[0] ?? "")], signal);

    expect(proof).toMatchObject({ rowsPerFileExactlyOne: false, digestsEqual: true, ok: false });
  });

  it("fails when a file has two rows and another has none", async () => {
    const files = [write("a", "one"), write("b", "two")];
    const row = await rowOf(files[0] ?? "");

    const proof = await prove(files, [row, row], signal);

    expect(proof).toMatchObject({ rowsPerFileExactlyOne: false, ok: false });
  });

  it("fails when a row is of no file of the list", async () => {
    const [file, other] = [write("a", "one"), write("b", "two")];

    const proof = await prove([file], [await rowOf(other)], signal);

    expect(proof).toMatchObject({ rowsPerFileExactlyOne: false, ok: false });
  });

  it("fails when a digest is another, and the file is as it was", async () => {
    const file = write("a", "one");
    const row = { ...(await rowOf(file)), sha256: "0".repeat(64) };

    const proof = await prove([file], [row], signal);

    expect(proof).toMatchObject({ rowsPerFileExactlyOne: true, digestsEqual: false, ok: false });
  });

  it("counts a file that was changed or removed, and has nothing against it", async () => {
    const files = [write("a", "one"), write("b", "two"), write("c", "three")];
    const rows = await Promise.all(files.map(rowOf));
    write("a", "one and a half");
    rmSync(join(directory, "b"));

    const proof = await prove(files, rows, signal);

    expect(proof).toMatchObject({ ok: true, equalDigests: 1, changedFiles: 2 });
  });
});

describe("the pause of a handler", () => {
  it.each([
    [1, 1_000],
    [50, 460],
    [3_000, 0],
  ])("with %i files is %i ms", (files, pauseMs) => {
    expect(handlerPauseMs(files)).toBe(pauseMs);
  });
});
