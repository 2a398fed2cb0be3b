import { describe, expect, it } from "vitest";
import { dashboard } from "pawl/dashboard";
import { byHeader, change, read } from "../support/dashboard.ts";
import { freshEngine } from "../support/engine.ts";

const secrets = [
  "payload.password:hush",
  "payload.user.apiKey:1",
  "task:send payload.a:1 payload.tokens.0:x",
  // Listed by the application, whole lists and objects as well.
  "payload.user.email:a",
  "payload.lines.3.price:12",
  "payload.lines.-1.price:12",
  "payload.lines.+0.price:12",
  "payload.years.2024.0.sum:12",
  "payload.owner.name:a",
];

async function freshDashboard() {
  const { pawl } = await freshEngine();
  return dashboard(pawl, {
    authorize: byHeader,
    redact: ["user.email", "lines.price", "owner", "years.2024.sum"],
  });
}

describe("a search for what is redacted", () => {
  it.each(["viewer", "admin"])("is refused wherever one can search: to a role %s", async (role) => {
    const handler = await freshDashboard();

    for (const search of secrets) {
      const query = new URLSearchParams({ search }).toString();
      const plan = { action: "cancel", from: "jobs", filter: { search } };
      const answers = [
        await read(handler, `jobs?${query}`, { "x-role": role }),
        await read(handler, `history?${query}`, { "x-role": role }),
        await change(handler, "count-matching", plan),
        await change(handler, "start-operation", plan),
        await change(handler, "start-operation", { ...plan, action: "replay", from: "history" }),
      ];

      expect([search, ...answers.map(({ status }) => status)]).toEqual([
        search,
        400,
        400,
        400,
        400,
        400,
      ]);
      const [first] = answers;
      expect(await first?.json()).toMatchObject({
        error: {
          code: "PAWL_OPTION_INVALID",
          message: expect.stringContaining("expected a search for what is not redacted") as string,
        },
      });
    }
  });

  it("is told from one for what only sounds like it", async () => {
    const handler = await freshDashboard();

    for (const search of ["payload.user.name:a", "payload.lines.3.sku:1", "payload.secretary:a"]) {
      const query = new URLSearchParams({ search }).toString();
      expect((await read(handler, `jobs?${query}`)).status).toBe(200);
    }
  });
});
