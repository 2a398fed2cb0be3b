import type { Setting, Tell } from "./setting.ts";

const times = 10;

/** Migrates again and again, as deployments do while others work. */
export async function migrateOften(
  { assignment, pawl: module }: Setting,
  tell: Tell,
): Promise<void> {
  const pawl = new module.Pawl({ database: assignment.url });
  tell("ready");
  for (let time = 0; time < times; time += 1) await pawl.migrate();
  await pawl.close();
  tell("done");
}
