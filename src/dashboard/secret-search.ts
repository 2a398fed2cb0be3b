import { OptionError } from "../core/errors.ts";
import { parseSearch } from "../store/dashboard-words.ts";
import type { Redactor } from "./context.ts";

/**
 * Refuses a search for what is redacted: whoever is told whether it is this or that learns what it is, and what was asked for
 * stands in the audit. Throws `OptionError`, also for what is no search.
 */
export function assertSearchable(search: string | undefined, redactor: Redactor): void {
  if (search === undefined || search === "") return;
  const secret = parseSearch(search).terms.find(({ path }) => redactor.isSecretPath(path));
  if (secret === undefined) return;
  const expected = "a search for what is not redacted";
  const got = `payload.${secret.path.join(".")}`;
  throw new OptionError(`expected ${expected}, got one for ${got}`, {
    ...{ option: "search", expected, got },
  });
}
