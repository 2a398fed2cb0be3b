import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { JobPageDetails } from "../../../src/dashboard/api.ts";
import { indented } from "../json-text.ts";
import { choose } from "../route.ts";
import { Button, CopyButton } from "./button.tsx";
import { JsonViewer } from "./json-viewer.tsx";
import { Empty, Panel } from "./said.tsx";

/** What a job was given: folded or as text, redacted or, for admins, as it is. */
export function PayloadPanel(props: {
  readonly job: JobPageDetails;
  readonly isRaw: boolean;
}): VNode {
  const { job, isRaw } = props;
  const { payload } = job;
  const [isText, setIsText] = useState(false);
  const actions = payload !== null && (
    <>
      <Button size="tiny" look="plain" onClick={() => setIsText(!isText)}>
        {isText ? "Folded" : "Text"}
      </Button>
      <Button
        size="tiny"
        look="plain"
        power="raw"
        against={job.isRedacted || isRaw ? undefined : "Nothing in it is redacted."}
        onClick={() => choose({ raw: isRaw ? undefined : "true" })}
      >
        {isRaw ? "Redacted" : "Raw"}
      </Button>
      <CopyButton text={indented(payload)} label="Copy the payload" />
    </>
  );
  return (
    <Panel title="Payload" actions={actions}>
      {payload === null && <Empty icon="jobs" title="The history of this task keeps no payload" />}
      {payload !== null && isText && (
        <pre class="json json-text" tabIndex={0}>
          {indented(payload)}
        </pre>
      )}
      {payload !== null && !isText && <JsonViewer text={payload} />}
      {job.isPayloadCut && (
        <p class="panel-body soft small">It is longer than 256 KiB; the rest is not shown.</p>
      )}
      {job.isRedacted && <p class="panel-body soft small">Secrets in it are redacted.</p>}
      {isRaw && (
        <p class="panel-body soft small">Shown as it is; the audit says that you looked.</p>
      )}
    </Panel>
  );
}
