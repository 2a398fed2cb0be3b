import type { Fault } from "./fault.ts";

export const migration: Fault = {
  id: "F16",
  name: "migration under load",
  what: "deployments migrate the schema again and again, several at once, while the work goes on",
  weight: 2,
  workloads: ["plain", "transactional"],
  inject: async (stage) => {
    await stage.pauseBetween(50, 300);
    const migrators = await Promise.all([stage.start("migrator"), stage.start("migrator")]);
    await Promise.all(migrators.map(({ process }) => process.ended));
  },
};
