import { describe, expect, it } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { pages } from "./markdown.ts";
import { compile, programsOf, run, type Program } from "./programs.ts";

const programs = pages().flatMap(programsOf);

describe("the programs of the documentation", () => {
  it("compile", () => {
    expect(programs.length).toBeGreaterThan(10);
    expect(compile(programs)).toEqual([]);
  }, 60_000);

  it.each([
    ["a type that does not fit", "const count: number = 'three';"],
    ["a name that is not exported", 'import { Ratchet } from "pawl";\nnew Ratchet();'],
  ])(
    "would not compile with %s",
    (_, text) => {
      const wrong: Program = { place: "example.md:1", text, runs: false, prints: undefined };

      expect(compile([wrong])).toEqual([expect.stringMatching(/^example\.md:1, line 1 /)]);
    },
    60_000,
  );

  it.each(programs.filter(({ runs }) => runs))("run: $place", async (program) => {
    const database = await freshDatabase();

    const printed = await run(program, database);

    if (program.prints !== undefined) expect(printed).toBe(program.prints);
  });
});
