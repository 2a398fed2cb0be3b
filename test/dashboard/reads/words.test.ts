import { OptionError } from "pawl";
import { parseSearch } from "#pawl/store/dashboard-words";
import { checkHistoryFilter, checkJobFilter } from "#pawl/store/dashboard-filter";
import { describe, expect, it } from "vitest";

describe("a search", () => {
  it.each([
    ["", [], []],
    ["payload.user.id:42", [], [{ path: ["user", "id"], text: "42" }]],
    ['payload.kind:"a b"', [], [{ path: ["kind"], text: "a b" }]],
    ['payload."a.b: c".0:""', [], [{ path: ["a.b: c", "0"], text: "" }]],
    [
      String.raw`payload.a:"say \"hi\" \\ to"`,
      [],
      [{ path: ["a"], text: String.raw`say "hi" \ to` }],
    ],
    [
      "payload.url:https://example.com/?a=b",
      [],
      [{ path: ["url"], text: "https://example.com/?a=b" }],
    ],
    ["  queue:mail\ttask:send-mail ", [word("queue", "mail"), word("task", "send-mail")], []],
    ["payload.größe:ü", [], [{ path: ["größe"], text: "ü" }]],
  ])("is read: %j", (search, words, terms) => {
    expect(parseSearch(search)).toEqual({ words, terms });
  });

  it.each([
    ["42", "words such as `payload.user.id:42`", "character 1"],
    ["payload:42", "words such as `payload.user.id:42`", "character 1"],
    ["payload.a", "a colon and a value", "character 10"],
    ["payload.a:", 'a value, or "" for an empty text', "character 11"],
    ["payload..a:1", "a name after the dot", "character 9"],
    ["queue:mail user:42", "words such as", "character 12"],
    ["queue.name:mail", "words such as", "character 1"],
    ['payload.a:"b', 'a text that ends in "', "character 11"],
    ['payload.a:"b"c', "a space after the value", "character 14"],
    ['payload.a:b"c', "a space after the value", "character 12"],
    ["x".repeat(2_001), "at most 2000 characters", "2001 characters"],
    ["payload.a:\0", "without NUL", "one"],
  ])("says what is wrong with it, and where: %j", (search, expected, where) => {
    const error = errorOf(() => parseSearch(search));

    expect(error.option).toBe("search");
    expect(error.message).toContain(expected);
    expect(error.message).toContain(where);
  });
});

describe("the filter of live jobs", () => {
  it("takes what its search says together with what is given apart", () => {
    expect(checkJobFilter({ queue: "mail", search: "task:send state:ready payload.a:1" })).toEqual({
      ...{ queue: "mail", task: "send", state: "ready", correlationId: null, concurrencyKey: null },
      terms: [{ path: ["a"], text: "1" }],
    });
  });

  it("takes an empty text for nothing", () => {
    expect(checkJobFilter({ queue: "", task: "", state: "", search: "" })).toMatchObject({
      ...{ queue: null, task: null, state: null, terms: [] },
    });
  });

  it("matches nothing when it contradicts itself", () => {
    expect(checkJobFilter({ queue: "mail", search: "queue:other" })).toBeUndefined();
    expect(checkJobFilter({ search: "task:a task:b" })).toBeUndefined();
    expect(checkJobFilter({ queue: "mail", search: "queue:mail" })).toMatchObject({
      queue: "mail",
    });
  });

  it.each([
    [{ state: "finished" }, "state"],
    [{ search: "state:finished" }, "search state:"],
    [{ search: "outcome:failed" }, "search"],
    [{ queue: "q".repeat(64) }, "queue"],
  ])("refuses %j", (filter, option) => {
    expect(errorOf(() => checkJobFilter(filter)).option).toBe(option);
  });
});

describe("the filter of the history", () => {
  it("reads times, and whether an attempt was the last", () => {
    expect(
      checkHistoryFilter({ final: "true", from: "2026-01-02", to: "2026-01-03T04:05:06.789Z" }),
    ).toMatchObject({
      ...{ final: true, from: "2026-01-02T00:00:00.000Z", to: "2026-01-03T04:05:06.789Z" },
    });
  });

  it.each([
    [{ final: "yes" }, "final"],
    [{ from: "yesterday" }, "from"],
    [{ outcome: "lost" }, "outcome"],
    [{ search: "state:ready" }, "search"],
  ])("refuses %j", (filter, option) => {
    expect(errorOf(() => checkHistoryFilter(filter)).option).toBe(option);
  });
});

function word(name: string, text: string): { word: string; text: string } {
  return { word: name, text };
}

function errorOf(call: () => unknown): OptionError {
  try {
    call();
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error("expected an OptionError, got none");
}
