import { spawn } from "node:child_process";
import { Socket } from "node:net";
import type { DataDirectory } from "./data-directory.ts";

/**
 * A tiny process that ends a server when this process has ended, in whatever way: even after a SIGKILL the operating
 * system closes the pipe between them.
 */
export interface Watchdog {
  /** Names the process to end from now on; `undefined` when there is none. */
  watch(pid: number | undefined): void;
  /** Lets the watchdog go: nothing is ended or removed. */
  dismiss(): void;
}

// $1 is the data directory, $2 says whether it is temporary. Each line names the process to end; 0 is none. A shell starts
// much faster than another Node. SIGQUIT is PostgreSQL's immediate shutdown. Its end is seen by its lock file, because
// in a container the process itself may stay as a zombie.
const script = `
server=0
while read -r line; do server=$line; done
[ "$server" = dismissed ] && exit 0
if [ "$server" != 0 ]; then
  kill -QUIT "$server" 2>/dev/null
  tries=100
  while [ $tries -gt 0 ] && [ -e "$1/postmaster.pid" ]; do
    sleep 0.1
    tries=$((tries - 1))
  done
  [ -e "$1/postmaster.pid" ] && kill -KILL "$server" 2>/dev/null
fi
[ "$2" = temporary ] && rm -rf -- "$1"
`;

/** Starts a watchdog; when it has to act, it also removes the data directory if that is a temporary one. */
export function startWatchdog({ path, isTemporary }: DataDirectory): Watchdog {
  const lifetime = isTemporary ? "temporary" : "kept";
  const child = spawn("/bin/sh", ["-c", script, "pawl-watchdog", path, lifetime], {
    // In a session of its own, so that a Ctrl-C in the terminal does not reach it.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
  });
  child.unref();
  // A watchdog that cannot be started or was killed protects nothing more, which is no reason to fail.
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  if (child.stdin instanceof Socket) child.stdin.unref();
  return {
    watch: (pid) => child.stdin.write(`${pid ?? 0}\n`),
    dismiss: () => child.stdin.end("dismissed\n"),
  };
}
