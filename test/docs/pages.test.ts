import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { describe, expect, it } from "vitest";
import { page, pages, repository, section, type Page } from "./markdown.ts";

const longestLine = 120;
const paths = pages().map(({ path }) => path);

describe("the pages", () => {
  it.each(paths)("have links that lead somewhere: %s", (path) => {
    const each = page(path);

    expect(linksOf(each).filter((link) => !leadsSomewhere(each, link))).toEqual([]);
  });

  it.each(paths)("have lines that fit: %s", (path) => {
    const long = withoutCode(page(path))
      .split("\n")
      .filter((line) => line.length > longestLine && !line.startsWith("|"));

    expect(long).toEqual([]);
  });

  it.each(paths)("name no path of somebody's machine: %s", (path) => {
    expect(page(path).text).not.toMatch(/(?<![\w.])\/(?:home|root|Users|work|tmp)\//);
  });

  it("would notice a link that leads nowhere", () => {
    const readme = page("README.md");

    expect(leadsSomewhere(readme, "docs/nowhere.md")).toBe(false);
    expect(leadsSomewhere(readme, "docs/glossary.md#nowhere")).toBe(false);
    expect(leadsSomewhere(readme, "#nowhere")).toBe(false);
    expect(leadsSomewhere(readme, "docs/glossary.md#glossary")).toBe(true);
  });

  it("are all linked from the README or from a page that is", () => {
    const reached = reachableFrom("README.md");

    expect(paths.filter((path) => !reached.has(path))).toEqual([]);
  });
});

describe("the decisions", () => {
  const files = readdirSync(`${repository}docs/decisions`).sort();

  it("are numbered without gaps", () => {
    const numbers = files.map((file) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]));

    expect(numbers).toEqual(files.map((_, index) => index + 1));
  });

  it.each(files)("have a title, a question, a choice and a price: %s", (file) => {
    const decision = page(`docs/decisions/${file}`);
    const headings = decision.text.match(/^#+ .+$/gm) ?? [];

    expect(headings).toEqual([
      expect.stringMatching(new RegExp(`^# ${file.slice(0, 4)}: \\S`)),
      ...["## Question", "## Choice", "## Price"],
    ]);
    for (const heading of headings.slice(1)) {
      expect(section(decision, heading).trim()).not.toBe("");
    }
  });
});

describe("the licence", () => {
  it("is there, and is the one that the package names", () => {
    const licence = readFileSync(`${repository}LICENSE`, "utf8");
    const manifest = JSON.parse(readFileSync(`${repository}package.json`, "utf8")) as {
      license: string;
    };

    expect(licence).toMatch(new RegExp(`^${manifest.license} License\n`));
  });
});

function withoutCode({ text }: Page): string {
  return text.replace(/^```[^]*?^```$/gm, "");
}

function linksOf(each: Page): string[] {
  const bare = withoutCode(each).replace(/`[^`\n]*`/g, "code");
  return [...bare.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) =>
    /^[a-z]+:/.test(link) ? [] : link,
  );
}

function leadsSomewhere({ path }: Page, link: string): boolean {
  const target = targetOf(path, link);
  if (!existsSync(`${repository}${target.path}`)) return false;
  return target.anchor === undefined || anchorsOf(page(target.path)).includes(target.anchor);
}

function targetOf(from: string, link: string): { path: string; anchor: string | undefined } {
  const [file = "", anchor] = link.split("#");
  return { path: file === "" ? from : join(dirname(from), file), anchor };
}

// As GitHub makes them: lower case, spaces to hyphens, and nothing else but letters, digits, hyphens and underscores.
function anchorsOf(each: Page): string[] {
  const headings = withoutCode(each).match(/^#+ .+$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function reachableFrom(start: string): ReadonlySet<string> {
  const reached = new Set([start]);
  for (const path of reached) {
    if (!path.endsWith(".md")) continue;
    for (const link of linksOf(page(path))) reached.add(targetOf(path, link).path);
  }
  return reached;
}
