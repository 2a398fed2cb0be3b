import type { JobPageDetails } from "../../../src/dashboard/api.ts";
import { ActionButton, CopyButton } from "../parts/button.tsx";
import { JsonViewer } from "../parts/json-viewer.tsx";
import { Empty } from "../parts/marks.tsx";

interface PayloadProps {
  readonly job: JobPageDetails;
  readonly isRaw: boolean;
  readonly onRaw: (isRaw: boolean) => void;
}

/** What the job was given, and what it has reported in between. */
export function Payload({ job, isRaw, onRaw }: PayloadProps) {
  const { payload, partialResults, isPayloadCut, isRedacted } = job;
  return (
    <>
      <section class="panel">
        <header>
          <h2>Payload</h2>
          {isRedacted && !isRaw && <span class="flag">redacted</span>}
          {isPayloadCut && <span class="flag">cut: longer than 256 KiB</span>}
          <div class="end">
            <ActionButton
              class="plain small"
              needs="admin"
              icon="eye"
              reason={isRedacted || isRaw ? undefined : "Nothing in it is redacted."}
              onPress={() => onRaw(!isRaw)}
            >
              {isRaw ? "Redacted" : "Raw"}
            </ActionButton>
            {payload !== null && <CopyButton text={payload} label="Copy the payload" />}
          </div>
        </header>
        {payload === null ? (
          <Empty title="The payload was not kept">
            The history of this task keeps it only where its option <code>keep</code> says so.
          </Empty>
        ) : (
          <JsonViewer text={payload} />
        )}
      </section>
      {partialResults !== null && (
        <section class="panel">
          <header>
            <h2>Partial results</h2>
            <div class="end">
              <CopyButton text={partialResults} label="Copy the partial results" />
            </div>
          </header>
          <JsonViewer text={partialResults} />
        </section>
      )}
    </>
  );
}
