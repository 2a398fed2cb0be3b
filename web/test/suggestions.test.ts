import { describe, expect, it } from "vitest";
import { complete, quote, suggest, wordAt, type Known } from "../src/suggestions.ts";

const task = { paused: false, isKnown: true, queue: null, payloadSchema: null };
const known: Known = {
  queues: ["default", "mail", "two words"],
  tasks: [
    { ...task, name: "send", searchable: ["user.id"] },
    { ...task, name: "bill", searchable: ["user.id", "invoice"] },
  ],
  states: { word: "state", names: ["ready", "running"] },
};

function texts(word: string): string[] {
  return suggest(word, known).map(({ text }) => text);
}

describe("suggest", () => {
  it("begins with the paths that are found at once", () => {
    expect(texts("")).toEqual([
      ...["payload.user.id:", "payload.invoice:"],
      ...["queue:", "task:", "state:", "correlation:", "payload."],
    ]);
  });

  it("says which tasks declare a path", () => {
    expect(suggest("payload.us", known)[0]?.hint).toBe("found at once, of send, bill");
  });

  it.each([
    ["qu", ["queue:"]],
    ["queue:ma", ["queue:mail"]],
    ["queue:tw", []],
    ['queue:"tw', ['queue:"two words"']],
    ["task:", ["task:send", "task:bill"]],
    ["state:r", ["state:ready", "state:running"]],
    ["outcome:", []],
    ["payload.user.id:4", []],
  ])("offers for %j %j", (word, expected) => {
    expect(texts(word)).toEqual(expected);
  });
});

describe("wordAt", () => {
  it.each([
    ["queue:mail ta", 13, "ta"],
    ["queue:mail ta", 5, "queue"],
    ['payload.a:"b c', 14, 'payload.a:"b c'],
    ["a ", 2, ""],
  ])("finds in %j at %i %j", (text, cursor, word) => {
    expect(wordAt(text, cursor).word).toBe(word);
  });
});

describe("complete", () => {
  it("puts a value in place of the word, and a space behind it", () => {
    expect(complete("state:ready qu", 14, "queue:mail")).toEqual({
      ...{ text: "state:ready queue:mail ", cursor: 23 },
    });
  });

  it("leaves the cursor behind the colon of a name", () => {
    expect(complete("qu", 2, "queue:")).toEqual({ text: "queue:", cursor: 6 });
  });
});

describe("quote", () => {
  it.each([
    ["plain", "plain"],
    ["two words", '"two words"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["", '""'],
  ])("writes %j as %j", (value, expected) => {
    expect(quote(value)).toBe(expected);
  });
});
