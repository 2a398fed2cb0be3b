import { describe, expect, it } from "vitest";
import { dashboard } from "pawl/dashboard";
import { neededRoles } from "#pawl/dashboard/authorize";
import { byHeader, change, codeOf, read } from "../support/dashboard.ts";
import { freshEngine } from "../support/engine.ts";

const roles = ["viewer", "operator", "admin"] as const;
// What the documentation promises, spelled out once more.
const reads = [
  ...["session", "overview", "live", "queues", "tasks", "jobs", "job", "history", "workers"],
  ...["rate-limits", "concurrency-keys", "findings", "operations", "audit"],
];
const ofOperators = [
  ...["pause-queue", "resume-queue", "pause-task", "resume-task", "retry-jobs", "cancel-jobs"],
  ...["reschedule-jobs", "replay-jobs", "unlock-key"],
  ...["count-matching", "start-operation", "stop-operation"],
];
const ofAdmins = ["enqueue"];

async function freshDashboard() {
  const engine = await freshEngine();
  return { pawl: engine.pawl, handler: dashboard(engine.pawl, { authorize: byHeader }) };
}

describe("every route", () => {
  it("is in the table of roles, and in this test", () => {
    expect(Object.keys(neededRoles).sort()).toEqual([...reads, ...ofOperators, ...ofAdmins].sort());
  });

  it("that reads is open to every role", { timeout: 60_000 }, async () => {
    const { handler } = await freshDashboard();

    for (const name of reads) {
      for (const role of roles) {
        const response = await read(handler, name, { "x-role": role });
        await response.body?.cancel();
        // Some want parameters.
        expect([200, 400, 404], `${name} as ${role}`).toContain(response.status);
      }
    }
  });

  it("that changes is closed to those who may not", { timeout: 60_000 }, async () => {
    const { handler } = await freshDashboard();

    for (const name of [...ofOperators, ...ofAdmins]) {
      for (const role of roles) {
        const mayDoIt = role === "admin" || (role === "operator" && ofOperators.includes(name));
        const response = await change(handler, name, {}, { "x-role": role });
        // A body of nothing is wrong for all of them: whoever may ask hears that.
        expect(response.status, `${name} as ${role}`).toBe(mayDoIt ? 400 : 403);
        if (!mayDoIt) expect(await codeOf(response)).toBe("PAWL_DASHBOARD_FORBIDDEN");
      }
    }
  });

  it("that reads takes no change, and the other way round", { timeout: 60_000 }, async () => {
    const { handler } = await freshDashboard();

    for (const name of reads) expect((await change(handler, name)).status, name).toBe(405);
    for (const name of [...ofOperators, ...ofAdmins]) {
      expect((await read(handler, name)).status, name).toBe(405);
    }
  });
});

describe("what is redacted", () => {
  it("is shown to an admin who asks for it, and that is noted", async () => {
    const { pawl, handler } = await freshDashboard();
    const { job } = await pawl.enqueueByName("send", { password: "hush" }, { delay: "1h" });
    const address = `job?queue=${job.queue}&id=${job.id}`;

    const shown = await (await read(handler, address)).json();
    const raw = await (await read(handler, `${address}&raw=true`)).json();
    const audit = (await (await read(handler, "audit")).json()) as { entries: unknown[] };

    expect(shown).toMatchObject({ payload: '{"password":"[redacted]"}', isRedacted: true });
    expect(raw).toMatchObject({ payload: '{"password":"hush"}', isRedacted: false });
    expect(audit.entries).toMatchObject([{ by: "the admin", action: "job", outcome: "done" }]);
    expect(JSON.stringify(audit)).not.toContain("hush");
  });

  it.each(["viewer", "operator"])("is not shown to a mere %s", async (role) => {
    const { pawl, handler } = await freshDashboard();
    const { job } = await pawl.enqueueByName("send", { password: "hush" }, { delay: "1h" });

    const response = await read(handler, `job?queue=${job.queue}&id=${job.id}&raw=true`, {
      "x-role": role,
    });

    expect(response.status).toBe(403);
  });
});

describe("whoever is refused", () => {
  it("is noted in the audit", async () => {
    const { handler } = await freshDashboard();

    await change(handler, "pause-queue", { name: "mail" }, { "x-role": "viewer" });

    const audit = await (await read(handler, "audit")).json();
    expect(audit).toMatchObject({
      entries: [{ by: "the viewer", role: "viewer", action: "pause-queue", outcome: "refused" }],
    });
  });
});
