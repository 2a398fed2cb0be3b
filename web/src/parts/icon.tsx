import type { VNode } from "preact";

const paths = {
  overview: "M2 9.5 5.2 6l2.6 2.4L13.5 3M10 3h3.5v3.5M2 13.5h12",
  queues: "M2.5 3.5h11M2.5 8h11M2.5 12.5h7",
  jobs: "M3 2.5h10v11H3zM5.5 6h5M5.5 9h5",
  history: "M2.5 8a5.5 5.5 0 1 0 1.8-4.1M2.5 2.5V5H5M8 5v3.2l2.2 1.3",
  workers: "M3 4.5h10v7H3zM6 4.5v-2M10 4.5v-2M6 13.5v-2M10 13.5v-2",
  limits: "M3 12.5a5.5 5.5 0 1 1 10 0M8 9.5 10.5 6",
  keys: "M6.2 9.8a3 3 0 1 1 0-4.2 3 3 0 0 1 0 4.2ZM7 8h6.5v2.5M11 8v2",
  enqueue: "M8 3v10M3 8h10",
  operations: "M3 4h7M3 8h10M3 12h5M12.5 3v2M7 11v2",
  audit: "M4 2.5h6l2.5 2.5v8.5H4zM6.5 8.5l1.2 1.2L10.2 7",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.4 10.4l3.1 3.1",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6L12.5 8z",
  retry: "M13.5 8a5.5 5.5 0 1 1-1.8-4.1M13.5 2.5V5H11",
  cancel: "M4 4l8 8M12 4l-8 8",
  clock: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM8 5v3.2l2.2 1.3",
  replay: "M5.5 5.5 3 8l2.5 2.5M3 8h6.5a3 3 0 0 0 0-6",
  edit: "M3 13h2.5L13 5.5 10.5 3 3 10.5z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  warning: "M8 2.5 14.3 13.5H1.7zM8 6.5v3.2M8 11.6v.1",
  done: "M3 8.5l3.2 3.2L13 4.8",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7",
  moon: "M13 9.7A5.5 5.5 0 0 1 6.3 3a5.5 5.5 0 1 0 6.7 6.7Z",
  screen: "M2.5 3.5h11v7.5h-11zM6 13.5h4",
  right: "M6 3.5 10.5 8 6 12.5",
  left: "M10 3.5 5.5 8l4.5 4.5",
  down: "M3.5 6 8 10.5 12.5 6",
  unlock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 4.8-1",
  help: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM6.5 6.6A1.6 1.6 0 1 1 8 8.4v.7M8 11v.1",
} as const;

/** The name of a drawing. */
export type IconName = keyof typeof paths;

/** A small drawing beside a word; it says nothing by itself. */
export function Icon({ name }: { readonly name: IconName }): VNode {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

/** Pawl's own mark. */
export function Mark(): VNode {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#f76707" />
      <path
        d="M9 25V8h8.2a5.6 5.6 0 0 1 0 11.2H13M20 19l5 6"
        fill="none"
        stroke="#fff"
        stroke-width="3.4"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
