import type { DashboardHandler, Identity, Role } from "pawl/dashboard";

/** Where the dashboards of tests are mounted. */
export const mounted = "http://localhost:3000/internal/jobs";

/** An authorize that believes the header `x-role`; nobody without one. */
export function byHeader(request: Request): Identity | null {
  const role = request.headers.get("x-role");
  return role === null ? null : { name: `the ${role}`, role: role as Role }; // what a test gave
}

/** Asks the API as somebody of a role. */
export function read(
  handler: DashboardHandler,
  address: string,
  headers: Record<string, string> = { "x-role": "admin" },
): Promise<Response> {
  return handler(new Request(`${mounted}/api/${address}`, { headers }));
}

/** Sends a change as the page does; `headers` add to its own, or replace them. */
export function change(
  handler: DashboardHandler,
  name: string,
  body: unknown = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return handler(
    new Request(`${mounted}/api/${name}`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: {
        "x-role": "admin",
        "content-type": "application/json",
        "x-pawl-dashboard": "1",
        origin: "http://localhost:3000",
        "sec-fetch-site": "same-origin",
        ...headers,
      },
    }),
  );
}

/** The code that a refused request was answered with. */
export async function codeOf(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string } };
  return error.code;
}
