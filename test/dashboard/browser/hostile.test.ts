import { afterAll, beforeAll, expect, it } from "vitest";
import { describeInBrowser, useBrowser } from "./chromium.ts";
import { showPawl, type ShownPawl } from "./shown-pawl.ts";

const call = "alert(1)";
const hostile: readonly string[] = [
  `<script>${call}</script>`,
  `<ScRiPt>${call}</sCrIpT>`,
  `<script src=//evil.example/x.js></script>`,
  `<script/src=data:,${call}></script>`,
  `"><script>${call}</script>`,
  `'><script>${call}</script>`,
  `</script><script>${call}</script>`,
  `</title><script>${call}</script>`,
  `</textarea><script>${call}</script>`,
  `</style><script>${call}</script>`,
  `--><script>${call}</script>`,
  `<img src=x onerror=${call}>`,
  `<img src=x onerror="${call}">`,
  `"><img src=x onerror=${call}>`,
  `<img/src/onerror=${call}>`,
  `<img src="x:x" onerror="${call}"/>`,
  `<img srcset=x onerror=${call}>`,
  `<svg onload=${call}>`,
  `<svg/onload=${call}>`,
  `<svg><script>${call}</script></svg>`,
  `<svg><animate onbegin=${call} attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${call}"><text y=20>x</text></a></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id='x' onload='${call}'/>#x"></use></svg>`,
  `<svg><foreignObject><iframe src=javascript:${call}></foreignObject></svg>`,
  `<math><mtext><script>${call}</script></mtext></math>`,
  `<math href="javascript:${call}">x</math>`,
  `<iframe src=javascript:${call}>`,
  `<iframe srcdoc="<script>${call}</script>">`,
  `<object data="javascript:${call}">`,
  `<embed src="javascript:${call}">`,
  `<a href="javascript:${call}">x</a>`,
  `<a href="java&#9;script:${call}">x</a>`,
  `<form action="javascript:${call}"><input type=submit>`,
  `<button formaction="javascript:${call}">x</button>`,
  `<input autofocus onfocus=${call}>`,
  `<select autofocus onfocus=${call}>`,
  `<textarea autofocus onfocus=${call}>`,
  `<details open ontoggle=${call}>`,
  `<video><source onerror=${call}></video>`,
  `<video src=x onerror=${call}>`,
  `<audio src=x onerror=${call}>`,
  `<body onload=${call}>`,
  `<body onpageshow=${call}>`,
  `<marquee onstart=${call}>`,
  `<link rel=stylesheet href=//evil.example/x.css>`,
  `<meta http-equiv=refresh content="0;url=javascript:${call}">`,
  `<base href=//evil.example/>`,
  `<style>@import '//evil.example/x.css';</style>`,
  `<div style="background:url(//evil.example/x)">`,
  `<div style="animation:x" onanimationstart=${call}>`,
  `<template><script>${call}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${call}>">`,
  `javascript:${call}`,
  `data:text/html,<script>${call}</script>`,
  "`${alert(1)}`",
  "{{constructor.constructor('alert(1)')()}}",
  "${alert(1)}",
  "__proto__",
  `&lt;script&gt;${call}&lt;/script&gt;`,
  `\u202e<script>${call}</script>\u2066`,
];

describeInBrowser("names and values that are meant to do harm", { timeout: 120_000 }, () => {
  const browser = useBrowser();
  let shown: ShownPawl;
  const jobs: { readonly queue: string; readonly id: string }[] = [];

  beforeAll(async () => {
    shown = await showPawl();
    for (const text of hostile) {
      const queue = text.slice(0, 60).replace(/[\u202e\u2066]/g, "");
      const payload = JSON.stringify({ [text]: text, list: [text, { [text]: [text] }] });
      const id = await shown.enqueueRaw(text, payload, { queue, correlationId: text });
      jobs.push({ queue, id });
    }
    await shown.work();
    const { schema, pool } = shown;
    // What no well-behaved worker writes may be there all the same.
    await pool.query(`update ${schema}.jobs set last_error = task`);
    await pool.query(
      `insert into ${schema}.workers
       select copied.*
         from (select * from ${schema}.workers limit 1) as worker
        cross join unnest($1::text[]) as text
        cross join jsonb_populate_record(
          worker::${schema}.workers,
          jsonb_build_object('id', gen_random_uuid(), 'name', text, 'host', text)
        ) as copied`,
      [hostile],
    );
    for (const [index, text] of hostile.entries()) {
      const queue = jobs[index]?.queue ?? "";
      const id = await shown.enqueueRaw(text, JSON.stringify(text), { queue });
      await shown.pawl.jobs.cancel({ queue, id }, text);
    }
    await pool.query(
      `update ${schema}.history
          set error = json_build_object('name', task, 'message', task, 'stack', task)`,
    );
  }, 120_000);
  afterAll(() => shown.close());

  it.each(["overview", "queues", "jobs", "history", "workers", "enqueue", "audit"])(
    "are plain text on %s",
    async (screen) => {
      const { page, complaints } = await browser.open(`${shown.url}#/${screen}`);
      await page.locator(".panel").first().waitFor();
      await page.waitForLoadState("networkidle").catch(() => undefined);

      expect(complaints).toEqual([]);
      await page.close();
    },
  );

  it("are plain text on the page of each job", async () => {
    expect(jobs).toHaveLength(60);
    const { page, complaints } = await browser.open(shown.url);
    for (const [index, { queue, id }] of jobs.entries()) {
      const query = new URLSearchParams({ queue, id }).toString();
      await page.goto(`${shown.url}#/job?${query}`);
      await page
        .locator(".card-value", { hasText: hostile[index] ?? "" })
        .first()
        .waitFor();
      await page.locator(".json").first().waitFor();
      expect(await page.locator(".json script, .json img, .json svg, .json iframe").count()).toBe(
        0,
      );
    }

    expect(complaints).toEqual([]);
    await page.close();
  });

  it("do no harm in the address either", async () => {
    const { page, complaints } = await browser.open(shown.url);
    for (const text of hostile) {
      const query = new URLSearchParams({ queue: text.slice(0, 20), search: text }).toString();
      await page.goto(`${shown.url}#/jobs?${query}`);
      await page.getByRole("combobox", { name: "Filter" }).waitFor();
      await page.goto(`${shown.url}#/${encodeURIComponent(text)}`);
      await page.getByText("There is no such screen").waitFor();
    }

    // What is refused is answered with 400, which the console tells of.
    expect(complaints.filter((each) => !each.includes("status of 400"))).toEqual([]);
    await page.close();
  });
});
