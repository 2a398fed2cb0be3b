const shapes = {
  overview: "M2 13V8m4 5V3m4 10V6m4 7v-3",
  queues: "M2 4h12M2 8h9M2 12h6",
  jobs: "M3 2.5h10v11H3zM5.5 6h5M5.5 9h5",
  history: "M3 4v3h3M3.2 7A5.3 5.3 0 1 1 3 9.5M8 5.5V8.5l2 1.5",
  workers: "M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M8 1.5v2m0 9v2m6.5-6.5h-2m-9 0h-2M12.6 3.4l-1.4 1.4m-6.4 6.4-1.4 1.4m9.2 0-1.4-1.4M4.8 4.8 3.4 3.4",
  "rate-limits": "M2 11a6 6 0 1 1 12 0M8 11l3-4M2 13.5h12",
  keys: "M5 8a3 3 0 1 1 .01.01M8 8h6v2.5M11.5 8v2",
  enqueue: "M8 3v10M3 8h10",
  operations: "M3 3l4 5-4 5M9 3l4 5-4 5",
  audit: "M8 1.5l5.5 2v4c0 3.5-2.4 5.8-5.5 7-3.1-1.2-5.5-3.5-5.5-7v-4zM5.5 8l2 2 3-3.5",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.5m0 11V15m7-7h-1.5m-11 0H1M12.9 3.1l-1 1m-7.8 7.8-1 1m9.8 0-1-1m-7.8-7.8-1-1",
  moon: "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z",
  pause: "M5 3v10M11 3v10",
  play: "M4.5 2.5l8 5.5-8 5.5z",
  retry: "M13 3v3.5H9.5M12.8 6.3A5.3 5.3 0 1 0 13.2 9",
  cancel: "M4 4l8 8M12 4l-8 8",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 4.8V8l2.3 1.4",
  replay: "M4 3v10M7 8l6-4.5v9z",
  edit: "M3 13l.7-2.8L10.8 3l2.2 2.2-7.2 7.1zM9.3 4.5l2.2 2.2",
  copy: "M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  unlock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 4.8-1",
  warning: "M8 2l6.5 11.5h-13zM8 6.5v3.2M8 11.6v.2",
  check: "M3 8.5l3.2 3.2L13 4.5",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3l3.4 3.4",
  right: "M6 3.5 10.5 8 6 12.5",
  left: "M10 3.5 5.5 8l4.5 4.5",
  link: "M6.5 9.5l3-3M7.5 4.5l1.3-1.3a2.8 2.8 0 0 1 4 4L11.5 8.5M8.5 11.5l-1.3 1.3a2.8 2.8 0 0 1-4-4L4.5 7.5",
  keyboard: "M1.5 4h13v8.5h-13zM4 6.8h.1m2.6 0h.1m2.6 0h.1m2.4 0h.1M5 9.8h6",
  stop: "M4 4h8v8H4z",
} as const;

export type IconName = keyof typeof shapes;

/** A small drawing beside a word that says the same. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  );
}

/** The ratchet and its pawl. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" width="22" height="22" aria-hidden="true">
      <circle cx="8" cy="9.3" r="4.7" stroke-dasharray="2.46 1.23" />
      <path d="M1.8 1.8 6.6 5" />
    </svg>
  );
}
