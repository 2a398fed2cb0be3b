import { CommanderError } from "commander";
import { OptionError, PawlError } from "../core/errors.ts";
import { classify, sqlstate } from "../db/sqlstate.ts";
import { describeServer, maskSecrets, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";

/** What the command line says about an error, and exits with. */
export interface Failure {
  readonly status: number;
  readonly lines: readonly string[];
}

interface Circumstances {
  readonly command: string;
  readonly connection?: Partial<ConnectionOptions>;
  readonly isDebugging: boolean;
}

/** An error in a line or two, without credentials: its code, what happened, and what to do. */
export function describeFailure(error: unknown, circumstances: Circumstances): Failure {
  const { command, connection = {}, isDebugging } = circumstances;
  const failure = judge(error, circumstances);
  const stack = isDebugging ? stackLines(error) : [];
  return {
    status: failure.status,
    lines: [...failure.lines, ...stack].map((line, index) =>
      maskSecrets(index === 0 ? `${command}: ${line}` : line, connection),
    ),
  };
}

function judge(error: unknown, { command, connection = {} }: Circumstances): Failure {
  if (error instanceof CommanderError) return judgeUsage(error, command);
  const line = summaryOf(error);
  if (error instanceof OptionError) return { status: exitStatus.usage, lines: [line] };
  if (isUnreachable(error)) {
    const advice = connectionAdvice(error, describeServer(connection.database));
    return { status: exitStatus.unreachable, lines: [line, advice] };
  }
  const isOurs = error instanceof PawlError;
  const advice = isOurs ? [] : ["Run it again with --debug to see where this comes from."];
  return { status: exitStatus.failure, lines: [line, ...advice] };
}

// Commander's message is "error: …" and may end with "\n(Did you mean …?)".
function judgeUsage({ code, message, exitCode }: CommanderError, command: string): Failure {
  if (exitCode === 0) return { status: exitStatus.ok, lines: [] };
  if (code === "commander.help") return { status: exitStatus.usage, lines: [] };
  const kind = code === "commander.unknownOption" ? "PAWL_OPTION_UNKNOWN" : "PAWL_OPTION_INVALID";
  const [what = "", hint] = message.replace(/^error: /, "").split("\n");
  const suggestion = hint === undefined ? "" : `; ${lowerFirst(hint.replace(/^\(|\)$/g, ""))}`;
  return {
    status: exitStatus.usage,
    lines: [`${kind}: ${what}${suggestion}`, `Run ${command} --help to see what it takes.`],
  };
}

function isUnreachable(error: unknown): boolean {
  const state = sqlstate(error);
  return classify(error) === "reconnect" || state?.startsWith("28") === true || state === "3D000";
}

function connectionAdvice(error: unknown, server: string): string {
  const state = sqlstate(error);
  const where = "--database or DATABASE_URL";
  if (state?.startsWith("28")) return `Check the user and the password in ${where} for ${server}.`;
  if (state === "3D000") return `Create the database first, or correct its name in ${where}.`;
  return `Check that PostgreSQL runs and can be reached at ${server}, and that ${where} names it.`;
}

function summaryOf(error: unknown): string {
  if (error instanceof PawlError) return `${error.code}: ${firstLine(error.message)}`;
  if (error instanceof Error) return `${error.name}: ${firstLine(error.message)}`;
  return firstLine(String(error));
}

function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = error.stack ?? String(error);
  const cause = stackLines(error.cause).map((line, index) =>
    index === 0 ? `caused by ${line}` : line,
  );
  return [...own.split("\n"), ...cause];
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
