import { expect, it } from "vitest";
import { bindName, bindSchema, statements } from "#pawl/db/statements";
import { queries } from "#pawl/db/sql.generated";

it.each([
  ['select * from :"schema".jobs', 'select * from "pawl".jobs'],
  ["select :'schema'", "select 'pawl'"],
  ['select :"schema".f(:\'schema\'), :"schema".g()', 'select "pawl".f(\'pawl\'), "pawl".g()'],
  ['select a::"schema"', 'select a::"schema"'],
  ['select :"other"', 'select :"other"'],
  ["select $1", "select $1"],
])("writes a schema into %j", (text, bound) => {
  expect(bindSchema(text, "pawl")).toBe(bound);
});

it.each([
  ['we "ird', 'listen "we ""ird"'],
  ["it's", 'listen "it\'s"'],
  ["$&", 'listen "$&"'],
])("quotes the name %j", (name, bound) => {
  expect(bindName('listen :"channel"', "channel", name)).toBe(bound);
});

it("quotes a literal", () => {
  expect(bindName("select :'name'", "name", "it's")).toBe("select 'it''s'");
});

it("makes each statement of a schema once", () => {
  const statement = statements("pawl");

  expect(statement("schema/applied")).toBe(statement("schema/applied"));
});

it("names the statements of two schemas apart, and briefly", () => {
  const names = ["one", "two"].map((schema) => statements(schema)("schema/applied").name);

  expect(new Set(names).size).toBe(2);
  expect(names.every((name) => /^pawl_[0-9a-f]{12}$/.test(name))).toBe(true);
});

it("gives every text its own name", () => {
  const statement = statements("pawl");
  const all = Object.keys(queries).map((name) => statement(name as keyof typeof queries));

  expect(new Set(all.map(({ name }) => name)).size).toBe(new Set(all.map(({ text }) => text)).size);
});

it("leaves no schema unwritten in any statement", () => {
  const statement = statements("pawl");
  const texts = Object.keys(queries).map((name) => statement(name as keyof typeof queries).text);

  expect(texts.filter((text) => /:["']schema["']/.test(text))).toEqual([]);
});
