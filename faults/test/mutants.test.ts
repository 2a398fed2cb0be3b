import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { mutants } from "../src/mutants/mutants.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

it("has sixteen seeded bugs, each with a number of its own", () => {
  expect(mutants.map(({ number }) => number)).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
});

it.each(mutants.flatMap(({ name, edits }) => edits.map((edit) => ({ name, ...edit }))))(
  "finds the one place of $name in $file",
  ({ file, from, to }) => {
    const text = readFileSync(`${repository}${file}`, "utf8");

    expect(text.split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
  },
);
