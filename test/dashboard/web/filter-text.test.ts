import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatHash, parseHash } from "../../../web/src/address.ts";
import {
  choicesOf,
  suggestionsFor,
  textOf,
  type FilterWord,
} from "../../../web/src/filter-text.ts";

const words: readonly FilterWord[] = ["queue", "task", "state", "correlation", "key"];
const nothing = { queue: undefined, task: undefined, state: undefined };
const rest = { correlationId: undefined, concurrencyKey: undefined, search: undefined };

describe("the text of a filter", () => {
  it.each([
    ["", {}],
    ["queue:mail", { queue: "mail" }],
    ["  task:send   state:ready ", { task: "send", state: "ready" }],
    ["correlation:abc key:k1", { correlationId: "abc", concurrencyKey: "k1" }],
    ['queue:"a b"', { queue: "a b" }],
    ["payload.user.id:42", { search: "payload.user.id:42" }],
    ['payload.kind:"a b" queue:x', { queue: "x", search: 'payload.kind:"a b"' }],
    ['payload."a.b":x', { search: 'payload."a.b":x' }],
    ["queue:a queue:b", { queue: "a", search: "queue:b" }],
    ["queue:", { search: "queue:" }],
    ["anything", { search: "anything" }],
    ['queue:"open', { search: 'queue:"open' }],
  ])("%j chooses %j", (text, chosen) => {
    expect(choicesOf(text, words)).toEqual({ ...nothing, ...rest, ...chosen });
  });

  it("says what is chosen", () => {
    const query = { state: "ready", queue: "a b", search: "payload.id:1", after: "x" };

    expect(textOf(query, words)).toBe('queue:"a b" state:ready payload.id:1');
  });

  it("leads to the same choices again, whatever they are", () => {
    const value = fc.string({ minLength: 1, unit: "grapheme" });
    const query = fc.record({ queue: value, task: value, correlationId: value });
    fc.assert(
      fc.property(query, (chosen) => {
        expect(choicesOf(textOf(chosen, words), words)).toEqual({ ...nothing, ...rest, ...chosen });
      }),
    );
  });
});

describe("suggestions", () => {
  const vocabulary = {
    words,
    values: { queue: ["mail", "media", "a b"], task: ["send"] },
    paths: ["user.id"],
  };

  it.each([
    ["qu", ["queue:"]],
    ["queue:m", ["queue:mail", "queue:media"]],
    ["task:send queue:me", ["task:send queue:media"]],
    ["queue:a ", ["queue:a queue:", "queue:a task:"]],
    ["user", ["payload.user.id:"]],
    ["queue:b", ['queue:"a b"']],
    ["queue:mail", []],
    ["payload.user.id:4", []],
  ])("of %j begin with %j", (text, expected) => {
    const suggestions = suggestionsFor(text, vocabulary);

    expect(suggestions.slice(0, expected.length)).toEqual(expected);
    if (expected.length === 0) expect(suggestions).toEqual([]);
  });
});

describe("addresses", () => {
  it.each([
    ["", { screen: "overview", query: {} }],
    ["#/", { screen: "overview", query: {} }],
    ["#/jobs", { screen: "jobs", query: {} }],
    ["#/jobs?state=ready&queue=a%20b", { screen: "jobs", query: { state: "ready", queue: "a b" } }],
  ])("%j is read", (hash, route) => {
    expect(parseHash(hash)).toEqual(route);
  });

  it("lead to the same choices again, whatever they are", () => {
    const query = fc.dictionary(
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1, unit: "grapheme" }),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(query, (chosen) => {
        expect(parseHash(formatHash("jobs", chosen))).toEqual({ screen: "jobs", query: chosen });
      }),
    );
  });

  it("leave out what is not chosen", () => {
    expect(formatHash("jobs", { queue: undefined, task: "" })).toBe("#/jobs");
  });
});
