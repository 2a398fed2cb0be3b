import { describe, expect, it } from "vitest";
import { formatJson, parseJson } from "../src/json-text.ts";
import { emptyOf, fits, readSchema, type Shape } from "../src/schema.ts";

function read(schema: object): Shape {
  return readSchema(JSON.stringify(schema));
}

const order = {
  type: "object",
  required: ["id", "kind", "lines"],
  properties: {
    id: { type: "integer", description: "Of the order." },
    kind: { enum: ["new", "again", 3] },
    express: { type: "boolean" },
    address: { $ref: "#/$defs/Address" },
    lines: { type: "array", items: { type: "string" } },
    rest: { anyOf: [{ type: "string" }, { type: "null" }] },
  },
  $defs: { Address: { type: "object", properties: { city: { type: "string" } } } },
};

describe("readSchema", () => {
  it("reads objects with their members, required ones and descriptions", () => {
    const shape = read(order);

    expect(shape.kind === "object" && shape.members).toEqual([
      {
        ...{ name: "id", isRequired: true, description: "Of the order." },
        shape: { kind: "number", isWhole: true },
      },
      {
        ...{ name: "kind", isRequired: true, description: undefined },
        shape: {
          kind: "choice",
          options: [
            { kind: "string", value: "new" },
            { kind: "string", value: "again" },
            { kind: "number", text: "3" },
          ],
        },
      },
      { name: "express", isRequired: false, description: undefined, shape: { kind: "boolean" } },
      {
        ...{ name: "address", isRequired: false, description: undefined },
        shape: {
          kind: "object",
          members: [
            { name: "city", isRequired: false, description: undefined, shape: { kind: "text" } },
          ],
        },
      },
      {
        ...{ name: "lines", isRequired: true, description: undefined },
        shape: { kind: "list", item: { kind: "text" } },
      },
      { name: "rest", isRequired: false, description: undefined, shape: { kind: "any" } },
    ]);
  });

  it.each([
    [{}],
    [{ type: "object" }],
    [{ type: ["string", "null"] }],
    [{ $ref: "#/$defs/missing" }],
    [{ $ref: "https://example.com/schema" }],
    [{ type: "array", items: true, prefixItems: [{ type: "string" }] }],
    [{ enum: [{ a: 1 }] }],
  ])("leaves %j to JSON text", (schema) => {
    expect(read(schema)).toEqual({ kind: "any" });
  });

  it("comes to an end with a schema that holds itself", () => {
    const tree = { type: "object", properties: { child: { $ref: "#" } } };

    expect(read(tree).kind).toBe("object");
    expect(read({ $ref: "#" })).toEqual({ kind: "any" });
  });
});

describe("emptyOf", () => {
  it("has what is required, and no more", () => {
    const text = formatJson(emptyOf(read(order)));

    expect(JSON.parse(text)).toEqual({ id: 0, kind: "new", lines: [] });
  });
});

describe("fits", () => {
  it.each([
    ['{"id":12345678901234567890,"kind":3,"lines":["a"],"rest":{"x":1}}', true],
    ['{"id":1,"kind":"new","lines":[],"more":1}', false],
    ['{"id":1,"id":2}', false],
    ['{"id":"1"}', false],
    ['{"kind":"other"}', false],
    ['{"lines":[1]}', false],
    ["[]", false],
  ])("says of %s %s", (text, expected) => {
    expect(fits(read(order), parseJson(text))).toBe(expected);
  });
});
