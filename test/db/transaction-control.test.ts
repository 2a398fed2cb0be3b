import { expect, it } from "vitest";
import { effectsOf } from "#pawl/db/transaction-control";

const controlling = [
  ["commit", "commit"],
  ["COMMIT;", "commit"],
  ["Commit And Chain", "commit and chain"],
  ["commit prepared 'x'", "commit prepared"],
  ["end", "end"],
  ["end transaction", "end transaction"],
  ["abort", "abort"],
  ["rollback", "rollback"],
  ["rollback work", "rollback work"],
  ["rollback transaction;", "rollback transaction"],
  ["rollback prepared 'x'", "rollback prepared"],
  ["begin", "begin"],
  ["begin isolation level serializable", "begin isolation level serializable"],
  ["start transaction read only", "start transaction read only"],
  ["prepare transaction 'x'", "prepare transaction"],
  ["  \n\tcommit", "commit"],
  ["-- a note\ncommit", "commit"],
  ["/* a /* nested */ note */commit", "commit"],
  ["start /* note */ transaction", "start transaction"],
  [";;commit", "commit"],
  ["select 1; commit", "commit"],
  ["select 1;\n-- done\ncommit;", "commit"],
  ["select ';'; commit", "commit"],
  ["select 'it''s'; commit", "commit"],
  ["select E'\\';'; commit", "commit"],
  ["select '\\'; commit", "commit"],
  ['select 1 as ";"; commit', "commit"],
  ["select $$;$$; commit", "commit"],
  ["select $a$ $b$; $a$; commit", "commit"],
  ["select a$b; commit", "commit"],
  ["select $1; commit", "commit"],
  ["select (1); rollback", "rollback"],
  ["rollback to part; commit", "commit"],
  [
    "create function f() returns int begin atomic select case when true then 1 end; end; commit",
    "commit",
  ],
] as const;

const harmless = [
  "",
  ";",
  "select 1",
  "select 'commit'",
  "select '; commit'",
  "select E'\\'; commit'",
  'select 1 as "; commit"',
  "select $$; commit$$",
  "do $body$ begin perform 1; end $body$",
  "-- commit",
  "/* ; commit */ select 1",
  "select 1 -- ; commit",
  "insert into commit values (1)",
  "update t set a = 1; update t set b = 2",
  "savepoint part",
  "release savepoint part",
  "rollback to part",
  "rollback to savepoint part",
  "rollback work to part",
  "ROLLBACK TRANSACTION TO SAVEPOINT part",
  "prepare plan as select 1",
  "start",
  "commitment",
  "begin_work",
  "(select 1; commit)",
  "create function f() returns int begin atomic select 1; select 2; end",
  "create or replace procedure p() begin atomic select case when true then 1 end; end",
  "select 'never closed; commit",
  "select $a$never closed; commit",
  "/* never closed; commit",
];

it.each(controlling)("finds transaction control in %j", (text, control) => {
  expect(effectsOf(text).control).toBe(control);
});

it.each(harmless)("finds no transaction control in %j", (text) => {
  expect(effectsOf(text).control).toBeUndefined();
});

it.each([
  "set role app",
  "SET search_path = app",
  "set session statement_timeout = 0",
  "select 1; reset all",
  "discard temp",
  "listen news",
])("sees that %j changes the session", (text) => {
  expect(effectsOf(text).changesSession).toBe(true);
});

it.each([
  "set local role app",
  "set transaction read only",
  "set constraints all immediate",
  "update t set a = 1",
  "select 'set'; select 1",
])("sees that %j leaves the session as it was", (text) => {
  expect(effectsOf(text).changesSession).toBe(false);
});

it("reads a text of a megabyte in no time", () => {
  const rows = "(1, 'a;b'), ".repeat(100_000);
  const before = process.cpuUsage();

  const effects = effectsOf(`insert into t values ${rows}(2, ''); commit`);

  expect(effects.control).toBe("commit");
  // Not by the clock: others may have the processor meanwhile.
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(2_000);
});
