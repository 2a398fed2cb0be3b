import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { namesInTables, page, repository, section, tableRows } from "./markdown.ts";
import { choicesOf, membersOf } from "./sources.ts";

const explanations = page("docs/reference/explanations.md");
const reasons = section(explanations, "## Reasons");
const path = "src/client/explanation.ts";
const source = readFileSync(`${repository}${path}`, "utf8");
// Each is an interface with a `kind` of its own.
const kinds = [...source.matchAll(/interface (\w+) \{\n {2}readonly kind: "(\w+)";/g)].map(
  ([, name = "", kind = ""]) => ({ name, kind }),
);

describe("explanations.md", () => {
  it("has every kind of reason", () => {
    expect(kinds.length).toBeGreaterThan(10);
    expect(namesInTables(reasons)).toEqual(kinds.map(({ kind }) => kind));
  });

  it.each(kinds)("names all that $name says", ({ name, kind }) => {
    const row = tableRows(reasons).find(([first]) => first === `\`${kind}\``) ?? [];
    const members = membersOf(path, name).filter((member) => !["kind", "text"].includes(member));

    expect(members.filter((member) => !row[2]?.includes(`\`${member}\``))).toEqual([]);
  });

  it.each(["ScheduledBecause"])("names every choice of %s", (name) => {
    const choices = choicesOf(path, name);

    expect(choices.length).toBeGreaterThan(3);
    expect(choices.filter((choice) => !reasons.includes(`\`${choice}\``))).toEqual([]);
  });

  it("has every check", () => {
    const checks = choicesOf("src/maintenance/diagnosis/finding.ts", "DiagnosisCheck");

    expect(checks.length).toBeGreaterThan(10);
    expect(namesInTables(section(explanations, "## Findings")).sort()).toEqual(checks.sort());
  });
});
