import { defineTask } from "pawl";
import { z } from "zod";

/** A task that succeeds, with everything that a form can ask for in its payload. */
export const sendEmail = defineTask({
  name: "send-email",
  queue: "mail",
  payload: z.object({
    to: z.string().describe("Whom to write to."),
    customer: z.object({ id: z.number().int() }),
    kind: z.enum(["welcome", "receipt"]),
    urgent: z.boolean(),
    tags: z.array(z.string()).optional(),
    note: z.string().optional(),
  }),
  searchable: ["customer.id"],
  retry: { retries: 0, delays: ["1s"] },
});

/** A task that fails as long as something is broken. */
export const chargeCard = defineTask({
  name: "charge-card",
  queue: "billing",
  payload: z.object({ customer: z.object({ id: z.number().int() }), cents: z.number().int() }),
  searchable: ["customer.id"],
  retry: { retries: 0, delays: ["1s"] },
});

/** A task that fails, and is tried again much later. */
export const importFile = defineTask({
  name: "import-file",
  queue: "imports",
  payload: z.object({ path: z.string() }),
  retry: { retries: 5, delays: ["1h"] },
});

/** A task that runs until somebody stops it. */
export const encodeVideo = defineTask({
  name: "encode-video",
  queue: "media",
  payload: z.object({ video: z.string() }),
  retry: { retries: 3, delays: ["1h"] },
});

/** A task that may start twice an hour. */
export const askModel = defineTask({
  name: "ask-model",
  queue: "models",
  payload: z.object({ prompt: z.string() }),
  rateLimit: { key: "model-requests", capacity: 2, interval: "1h" },
});

/** What the application of these tests consists of. */
export const tasks = [sendEmail, chargeCard, importFile, encodeVideo, askModel] as const;
