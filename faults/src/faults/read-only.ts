import { endSessions, execute } from "../servers/admin.ts";
import type { Fault } from "./fault.ts";

export const readOnly: Fault = {
  id: "F9",
  name: "read-only database",
  what: "the database takes no writes for a while, as one does that has become a standby",
  weight: 4,
  workloads: ["plain", "transactional"],
  inject: async (stage) => {
    const { directUrl } = stage.site;
    const name = new URL(directUrl).pathname.slice(1);
    const setting = `alter database ${name} set default_transaction_read_only`;
    await stage.pauseBetween(200, 600);
    stage.tell("read-only");
    await execute(directUrl, `${setting} = on`);
    await endSessions(directUrl);
    await stage.pauseBetween(500, 2_000);
    await execute(directUrl, "set default_transaction_read_only = off", `${setting} = off`);
    await endSessions(directUrl);
    stage.tell("writable");
  },
};
