import type { SchemaVersions } from "../../db/migrate.ts";
import type { ServerFacts } from "../../store/diagnosis.ts";
import { counted, failure, ok, warning, type DiagnosisFinding } from "./finding.ts";

const oldestServer = 140_000;
const oldestNode = [20, 19] as const;

/** Whether Pawl works on the server, and whether the role sees what there is to see. */
export function judgeServer(facts: ServerFacts): DiagnosisFinding[] {
  const { versionNumber, version, role, grant, hiddenSessions } = facts;
  const server =
    versionNumber >= oldestServer
      ? ok("server", `PostgreSQL ${version}.`)
      : failure("server", `PostgreSQL ${version} is older than 14.`, "Upgrade the server.");
  const privileges =
    hiddenSessions === 0
      ? ok("privileges", `The role "${role}" sees every session of the database.`)
      : warning(
          "privileges",
          `The role "${role}" may not look into ${counted(hiddenSessions, "session")} of other roles: ` +
            "if one of them holds the xmin horizon, it is not named here.",
          `Run it as another role, or as a superuser: ${grant}`,
        );
  return [server, privileges];
}

/** Whether Pawl works on this Node; `version` is that of `process.versions.node`. */
export function judgeNode(version: string): DiagnosisFinding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  if (!isOld) return ok("node", `Node ${version}.`);
  return failure(
    "node",
    `Node ${version} is older than ${oldestNode.join(".")}.`,
    "Upgrade Node, here and where workers run.",
  );
}

/** Whether a schema is at the version that this Pawl has made. */
export function judgeSchema(
  schema: string,
  { applied, newest, isTooNew }: SchemaVersions,
): DiagnosisFinding {
  const migrate = "Run `npx pawl migrate`, or `await pawl.migrate()`.";
  if (applied === 0) {
    return failure("schema", `Pawl's tables are not in the schema "${schema}".`, migrate);
  }
  const at = `The schema "${schema}" is at version ${applied}`;
  if (isTooNew) {
    const text = `${at}, which a newer Pawl has made and this one (${newest}) cannot work with.`;
    return failure("schema", text, "Upgrade `pawl` here.");
  }
  if (applied < newest) return failure("schema", `${at}, and not at ${newest}.`, migrate);
  if (applied > newest)
    return ok("schema", `${at}; this Pawl knows ${newest}, and can work with it.`);
  return ok("schema", `${at}, which is the newest.`);
}
