import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { sourceFiles } from "../../support/source-files.ts";

const folder = new URL("../../../dist/dashboard/", import.meta.url);
const names = [
  "index.html",
  ...readdirSync(new URL("assets/", folder)).map((name) => `assets/${name}`),
];
const files = names.map((name) => ({ name, body: readFileSync(new URL(name, folder)) }));
const mostBytes = 100_000;

function textOf(name: string): string {
  return files.find((file) => file.name.endsWith(name))?.body.toString() ?? "";
}

describe("the built front end", () => {
  it(`is at most ${mostBytes} bytes large, compressed`, () => {
    const bytes = files.map(({ body }) => gzipSync(body).length);

    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(mostBytes);
  });

  it("names its files by what is in them", () => {
    const assets = names.filter((name) => name.startsWith("assets/"));

    expect(assets.length).toBeGreaterThan(1);
    expect(assets.filter((name) => !/[-.][\w-]{8,}\.\w+$/.test(name))).toEqual([]);
  });

  it("has a page without scripts and styles of its own, whose addresses are relative", () => {
    const page = textOf("index.html");

    expect(page).not.toMatch(/<style|style=|<script>|<script [^>]*>[^<]| on\w+=/);
    expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)).toSatisfy(
      (addresses: string[]) => addresses.every((address) => address.startsWith("./assets/")),
    );
  });

  it("never makes elements of text", () => {
    const wrong = sourceFiles(["web/src"], /\.tsx?$/).filter(({ text }) =>
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/.test(text),
    );

    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});
