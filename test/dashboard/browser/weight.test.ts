import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { sourceFiles } from "../../support/source-files.ts";

const built = fileURLToPath(new URL("../../../dist/dashboard/", import.meta.url));
const mostBytes = 100 * 1_024;

describe("the front end", () => {
  it("weighs at most 100 KB, compressed", () => {
    const files = ["index.html", ...readdirSync(`${built}assets`).map((name) => `assets/${name}`)];
    const bytes = files.map((name) => gzipSync(readFileSync(built + name)).byteLength);

    const sum = bytes.reduce((total, each) => total + each, 0);

    expect(sum).toBeGreaterThan(10_000);
    expect(sum).toBeLessThanOrEqual(mostBytes);
  });

  it("has nothing in its page that a strict policy refuses, and nothing from anywhere else", () => {
    const page = readFileSync(`${built}index.html`, "utf8");
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);

    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/);
    expect(addresses.filter((each) => !/^(\.\/assets\/|data:image)/.test(each ?? ""))).toEqual([]);
  });

  it("never turns a text into HTML", () => {
    const ways = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\(/;

    const found = sourceFiles(["web/src"], /\.tsx?$/).filter(({ text }) => ways.test(text));

    expect(found.map(({ path }) => path)).toEqual([]);
  });
});
