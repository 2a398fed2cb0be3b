import { describe, expect, it } from "vitest";
import { draftOf, emptyDraft, sayDraft, type Draft } from "../../../web/src/form-draft.ts";
import { formOf, type FormField } from "../../../web/src/form-schema.ts";

const schema = {
  type: "object",
  required: ["id", "kind"],
  properties: {
    id: { type: "integer", description: "Of the user" },
    kind: { enum: ["welcome", "goodbye"] },
    isUrgent: { type: "boolean" },
    ratio: { type: "number" },
    user: {
      type: "object",
      properties: { name: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
    },
    extra: {},
  },
};

function form(of: unknown = schema): FormField {
  const made = formOf(JSON.stringify(of));
  if (made === undefined) throw new Error("expected a form");
  return made;
}

function filled(text: string): Draft {
  const draft = draftOf(form(), text);
  if (draft === undefined) throw new Error("expected a draft");
  return draft;
}

function said(draft: Draft): unknown {
  const answer = sayDraft(form(), draft);
  return "json" in answer ? JSON.parse(answer.json) : answer.problems;
}

describe("the form of a schema", () => {
  it("has a field for each member", () => {
    const made = form();
    const members = made.kind === "object" ? made.members : [];

    expect(members.map(({ name, field, isRequired }) => [name, field.kind, isRequired])).toEqual([
      ["id", "integer", true],
      ["kind", "choice", true],
      ["isUrgent", "choice", false],
      ["ratio", "number", false],
      ["user", "object", false],
      ["extra", "json", false],
    ]);
  });

  it.each([
    ["none at all", null],
    ["one that is no JSON", "{"],
    ["a string", '{"type":"string"}'],
    ["an object of any members", '{"type":"object"}'],
    ["a choice of schemas", '{"anyOf":[{"type":"object"}]}'],
  ])("is left to the text for %s", (_what, text) => {
    expect(formOf(text)).toBeUndefined();
  });

  it("follows references, and ends where they lead back", () => {
    const made = form({
      type: "object",
      properties: { node: { $ref: "#/$defs/node" } },
      $defs: {
        node: { type: "object", properties: { next: { $ref: "#/$defs/node" }, a: { const: 1 } } },
      },
    });

    expect(JSON.stringify(made)).toContain('"kind":"json"');
  });
});

describe("what a form says", () => {
  it("is what was typed, with each number digit for digit", () => {
    const draft = filled('{"id":12345678901234567890,"kind":"welcome"}');
    const answer = sayDraft(form(), draft);

    expect(answer).toEqual({ json: '{\n  "id": 12345678901234567890,\n  "kind": "welcome"\n}' });
  });

  it("leaves out what is empty and not needed", () => {
    expect(said(filled('{"id":1,"kind":"goodbye"}'))).toEqual({ id: 1, kind: "goodbye" });
  });

  it("names what is needed", () => {
    expect(said(emptyDraft(form()))).toEqual({ id: "This is needed.", kind: "This is needed." });
  });

  it.each([
    ["id", "1.5", "An integer is expected."],
    ["ratio", "01", "A number is expected."],
    ["extra", "{", "JSON is expected."],
  ])("names %s when it is %j", (name, text, problem) => {
    const draft = filled('{"id":1,"kind":"welcome"}');
    const members = "members" in draft ? draft.members : {};

    expect(said({ members: { ...members, [name]: { text } } })).toEqual({ [name]: problem });
  });

  it.each([
    '{"id":1,"kind":"welcome","isUrgent":true,"ratio":1.50}',
    '{"id":1,"kind":"welcome","user":{"name":"Ann","tags":["a","b"]}}',
    '{"id":1,"kind":"welcome","extra":[null,{"deep":1e400}]}',
  ])("is the text that it was made of: %s", (text) => {
    const answer = sayDraft(form(), filled(text));

    expect("json" in answer && answer.json.replace(/\s/g, "")).toBe(text);
  });
});

describe("text that a form has no fields for", () => {
  it.each([
    ["another member", '{"id":1,"kind":"welcome","more":1}'],
    ["another type", '{"id":"1","kind":"welcome"}'],
    ["another choice", '{"id":1,"kind":"hello"}'],
    ["a member twice", '{"id":1,"id":2,"kind":"welcome"}'],
    ["an empty text that may be left out", '{"id":1,"kind":"welcome","user":{"name":""}}'],
    [
      "an empty list that may be left out",
      '{"id":1,"kind":"welcome","user":{"name":"a","tags":[]}}',
    ],
    ["an empty object that may be left out", '{"id":1,"kind":"welcome","user":{}}'],
    ["a text of several lines", '{"id":1,"kind":"welcome","user":{"name":"a\\nb"}}'],
    ["no object", "[]"],
    ["no JSON", "{"],
  ])("is known by %s", (_what, text) => {
    expect(draftOf(form(), text)).toBeUndefined();
  });
});
