import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextPage, previousPage } from "../src/pages.ts";
import { hashOf, parseHash, screens } from "../src/route.ts";

describe("parseHash", () => {
  it.each([
    ["", { screen: "overview", params: {} }],
    ["#/", { screen: "overview", params: {} }],
    ["#/nowhere?a=b", { screen: "overview", params: {} }],
    ["#/jobs", { screen: "jobs", params: {} }],
    ["#jobs?state=ready", { screen: "jobs", params: { state: "ready" } }],
    [
      "#/jobs?state=ready&queue=mail&task=",
      { screen: "jobs", params: { state: "ready", queue: "mail" } },
    ],
  ])("reads %j", (hash, expected) => {
    expect(parseHash(hash)).toEqual(expected);
  });

  it("reads what hashOf has written, whatever is in it", () => {
    const text = fc.string({ unit: "binary", minLength: 1 }).filter((each) => each.isWellFormed());
    const params = fc.dictionary(fc.constantFrom("queue", "search", "id", "after"), text);
    fc.assert(
      fc.property(fc.constantFrom(...screens), params, (screen, given) => {
        expect(parseHash(hashOf(screen, given))).toEqual({ screen, params: { ...given } });
      }),
    );
  });
});

describe("the way from page to page", () => {
  it("leads back the way it came", () => {
    const first = { queue: "mail" };
    const second = { ...first, ...nextPage(first, "b") };
    const third = { ...second, ...nextPage(clean(second), "c") };
    const fourth = { ...third, ...nextPage(clean(third), "d") };

    const back = { ...fourth, ...previousPage(clean(fourth)) };
    const again = { ...back, ...previousPage(clean(back)) };
    const start = { ...again, ...previousPage(clean(again)) };

    expect(clean(back)).toEqual(clean(third));
    expect(clean(again)).toEqual(clean(second));
    expect(clean(start)).toEqual(first);
    expect(previousPage(clean(start))).toBeUndefined();
  });

  it("does not grow without end", () => {
    let params: Record<string, string> = {};
    for (let page = 0; page < 100; page += 1) {
      params = clean({ ...params, ...nextPage(params, `cursor-${page}`) });
    }

    expect(params.trail?.split("~").length).toBe(20);
  });
});

// As an address keeps it: without what is empty.
function clean(params: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return { ...parseHash(hashOf("jobs", params)).params };
}
