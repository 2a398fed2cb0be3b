import { OptionError, PawlError } from "pawl";
import { afterAll, describe, expect, it } from "vitest";
import { calls, pawl } from "./option-calls.ts";
import { namesInTables, page, section, tableRows } from "./markdown.ts";

const options = page("docs/reference/options.md");

afterAll(() => pawl.close());

describe.each(Object.entries(calls))("%s", (name, { call, wrong }) => {
  const text = section(options, `## \`${name}\``);

  it("has a wrong value here for every option", () => {
    expect(Object.keys(wrong)).toEqual(namesInTables(text));
  });

  it.each(Object.entries(wrong))("refuses a wrong `%s` as the page says", async (option, value) => {
    const row = tableRows(text).find(([first]) => first === `\`${option}\``) ?? [];
    const code = /`(PAWL_\w+)`/.exec(row.at(-1) ?? "")?.[1] ?? "PAWL_OPTION_INVALID";

    const error = await errorOf(() => call({ [option]: value }));

    expect(error).toMatchObject({ code });
  });

  it("refuses an option that is not known", async () => {
    const error = await errorOf(() => call({ concurency: 1 }));

    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code: "PAWL_OPTION_UNKNOWN", option: "concurency" });
  });
});

async function errorOf(call: () => unknown): Promise<PawlError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof PawlError) return error;
    throw error;
  }
  throw new Error("expected the call to be refused");
}
