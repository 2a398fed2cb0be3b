import { useEffect } from "preact/hooks";
import type { ComponentType } from "preact";
import { read } from "./api.ts";
import { beat } from "./live.ts";
import { Frame } from "./parts/frame.tsx";
import { route, type Screen } from "./route.ts";
import { AuditScreen } from "./screens/audit.tsx";
import { EnqueueScreen } from "./screens/enqueue.tsx";
import { HistoryScreen } from "./screens/history.tsx";
import { JobScreen } from "./screens/job.tsx";
import { JobsScreen } from "./screens/jobs.tsx";
import { KeysScreen } from "./screens/keys.tsx";
import { OperationsScreen } from "./screens/operations.tsx";
import { OverviewScreen } from "./screens/overview.tsx";
import { QueuesScreen } from "./screens/queues.tsx";
import { RateLimitsScreen } from "./screens/rate-limits.tsx";
import { WorkersScreen } from "./screens/workers.tsx";
import { session } from "./session.ts";

const shownBy: Readonly<Record<Screen, ComponentType>> = {
  overview: OverviewScreen,
  queues: QueuesScreen,
  jobs: JobsScreen,
  job: JobScreen,
  history: HistoryScreen,
  workers: WorkersScreen,
  "rate-limits": RateLimitsScreen,
  keys: KeysScreen,
  enqueue: EnqueueScreen,
  operations: OperationsScreen,
  audit: AuditScreen,
};

/** The dashboard. */
export function App() {
  const { screen } = route.value;
  const Shown = shownBy[screen];
  const time = beat.value;
  useEffect(() => {
    if (session.value === undefined) void askWho();
  }, [time]);
  return (
    <Frame>
      <Shown key={screen} />
    </Frame>
  );
}

async function askWho(): Promise<void> {
  try {
    session.value = await read("session", {});
  } catch {
    // It is asked again with the next beat; until then everybody is a viewer.
  }
}
