import type { DiagnosisFinding, DiagnosisLevel } from "../index.ts";
import { describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { withPawl } from "./session.ts";
import { harmless, painted, print, say } from "./terminal.ts";

/** What `pawl doctor` takes. */
export interface DoctorOptions extends ConnectionOptions {
  readonly json?: boolean;
}

const signs = {
  ok: { sign: "✓", colour: "green" },
  warning: { sign: "!", colour: "yellow" },
  error: { sign: "✗", colour: "red" },
} as const;

/** Prints what is found to be wrong, and what is well; the status says whether something is wrong. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings = await withPawl(options, (pawl) => pawl.maintenance.diagnose());
  if (options.json) print(JSON.stringify(findings, null, 2));
  else for (const line of findings.flatMap(linesOf)) print(line);
  const counts = `${count(findings, "error")} wrong, ${count(findings, "warning")} to look at`;
  say(`pawl doctor: ${counts}, ${count(findings, "ok")} well in ${describeTarget(options)}`);
  return count(findings, "error") > 0 ? exitStatus.failure : exitStatus.ok;
}

function linesOf({ level, text, fix }: DiagnosisFinding): string[] {
  const { sign, colour } = signs[level];
  const line = `${painted(colour, sign)} ${harmless(text)}`;
  return fix === null ? [line] : [line, `  ${harmless(fix)}`];
}

function count(findings: readonly DiagnosisFinding[], level: DiagnosisLevel): number {
  return findings.filter((finding) => finding.level === level).length;
}
