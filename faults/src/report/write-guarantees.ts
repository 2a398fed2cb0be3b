import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as prettier from "prettier";
import type { Fault } from "../faults/fault.ts";
import { guaranteesOf, type Evidence } from "./guarantees.ts";

/** How the lines of the documentation are broken. */
const prose = { proseWrap: "always", printWidth: 118 } as const;
const template = fileURLToPath(new URL("../../guarantees.md", import.meta.url));
const page = fileURLToPath(new URL("../../../docs/guarantees.md", import.meta.url));
const evidence = new URL("../../../docs/guarantees/", import.meta.url);

/** Writes `docs/guarantees.md` from the files of `docs/guarantees`. */
export async function writeGuarantees(faults: readonly Fault[]): Promise<void> {
  await writeFile(page, await guaranteesPage(faults));
}

/** The text of `docs/guarantees.md`, from the files of `docs/guarantees`. */
export async function guaranteesPage(faults: readonly Fault[]): Promise<string> {
  const text = guaranteesOf(
    await readFile(template, "utf8"),
    {
      campaign: (await read("campaign")) as Evidence["campaign"],
      hunted: (await read("mutants")) as Evidence["hunted"],
      peers: (await read("peers")) as Evidence["peers"],
    },
    faults,
  );
  const options = await prettier.resolveConfig(page);
  return prettier.format(text, { ...options, filepath: page, ...prose });
}

// As `--json` has written it.
async function read(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`${name}.json`, evidence), "utf8"));
}
