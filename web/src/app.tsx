import type { FunctionComponent, VNode } from "preact";
import { formatHash } from "./address.ts";
import { overview } from "./live.ts";
import { formatBound } from "./format.ts";
import { Confirmation } from "./parts/confirm.tsx";
import { Icon, Mark, type IconName } from "./parts/icon.tsx";
import { KeysDialog } from "./parts/keys-dialog.tsx";
import { Empty } from "./parts/said.tsx";
import { ToastList } from "./parts/toast-list.tsx";
import { TopBar } from "./parts/top-bar.tsx";
import { TrayList } from "./parts/tray-list.tsx";
import { route } from "./route.ts";
import { AuditScreen } from "./screens/audit.tsx";
import { ConcurrencyKeysScreen } from "./screens/concurrency-keys.tsx";
import { EnqueueScreen } from "./screens/enqueue.tsx";
import { HistoryScreen } from "./screens/history.tsx";
import { JobScreen } from "./screens/job.tsx";
import { JobsScreen } from "./screens/jobs.tsx";
import { OperationsScreen } from "./screens/operations.tsx";
import { OverviewScreen } from "./screens/overview.tsx";
import { QueuesScreen } from "./screens/queues.tsx";
import { RateLimitsScreen } from "./screens/rate-limits.tsx";
import { WorkersScreen } from "./screens/workers.tsx";
import { refusal, session } from "./session.ts";

interface Screen {
  readonly title: string;
  readonly icon: IconName;
  readonly show: FunctionComponent;
  /** Whether it is reached from another one only. */
  readonly isInner?: true;
}

const screens: Readonly<Record<string, Screen>> = {
  overview: { title: "Overview", icon: "overview", show: OverviewScreen },
  queues: { title: "Queues", icon: "queues", show: QueuesScreen },
  jobs: { title: "Jobs", icon: "jobs", show: JobsScreen },
  job: { title: "Job", icon: "jobs", show: JobScreen, isInner: true },
  history: { title: "History", icon: "history", show: HistoryScreen },
  workers: { title: "Workers", icon: "workers", show: WorkersScreen },
  "rate-limits": { title: "Rate limits", icon: "limits", show: RateLimitsScreen },
  "concurrency-keys": { title: "Concurrency keys", icon: "keys", show: ConcurrencyKeysScreen },
  enqueue: { title: "Enqueue", icon: "enqueue", show: EnqueueScreen },
  operations: { title: "Operations", icon: "operations", show: OperationsScreen },
  audit: { title: "Audit", icon: "audit", show: AuditScreen },
};

/** The whole page: where one can go, where one is, and what lies above it. */
export function App(): VNode {
  const { screen: name } = route.value;
  const screen = Object.hasOwn(screens, name) ? screens[name] : undefined;
  if (refusal.value !== undefined) return <Refused message={refusal.value.message} />;
  return (
    <div class="shell">
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        Skip to the content
      </a>
      <Side current={name} />
      <div class="main">
        <TopBar title={screen?.title ?? "Not found"} />
        <main class="content" id="content" tabIndex={-1}>
          {screen === undefined ? (
            <Empty icon="search" title="There is no such screen">
              <a href="#/overview">Go to the overview</a>.
            </Empty>
          ) : (
            <screen.show key={name} />
          )}
        </main>
      </div>
      <TrayList />
      <ToastList />
      <Confirmation />
      <KeysDialog />
    </div>
  );
}

function Side({ current }: { readonly current: string }): VNode {
  const shown = Object.entries(screens).filter(([, { isInner }]) => isInner !== true);
  const counts = overview.value?.counts;
  const at = current === "job" ? "jobs" : current;
  return (
    <nav class="side" aria-label="Screens">
      <a class="brand" href="#/overview" aria-label="Pawl: overview">
        <Mark />
        <span>Pawl</span>
      </a>
      <ul>
        {shown.map(([name, { title, icon }]) => (
          <li key={name}>
            <a
              class="side-link"
              href={formatHash(name)}
              aria-current={name === at ? "page" : undefined}
            >
              <Icon name={icon} />
              {title}
              {name === "jobs" && counts !== undefined && (
                <span class="side-count">{formatBound(counts.ready)}</span>
              )}
            </a>
          </li>
        ))}
      </ul>
      <Foot />
    </nav>
  );
}

function Foot(): VNode {
  const known = session.value;
  if (known === undefined) return <div class="side-foot" />;
  return (
    <div class="side-foot">
      <span class="cut" title={known.name}>
        {known.name} ({known.role})
      </span>
      <span class="cut">
        schema {known.schema}, Pawl {known.version}
      </span>
    </div>
  );
}

function Refused({ message }: { readonly message: string }): VNode {
  return (
    <main class="content">
      <h1 class="hidden-text">Pawl</h1>
      <section class="panel">
        <Empty icon="warning" title="Nothing can be shown">
          {message}
        </Empty>
      </section>
    </main>
  );
}
