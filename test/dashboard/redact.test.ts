import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkRedact, createRedactor } from "#pawl/dashboard/redact";
import { isSecretKey } from "#pawl/dashboard/secret-keys";

const redacted = "[redacted]";
const { redact, redactSentence } = createRedactor();
const key = fc.oneof(
  fc.constantFrom("password", "apiKey", "user", "email", "a.b", "API_KEY", "tok\u0065n", '"', "\\"),
  fc.string({ maxLength: 8 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.jsonValue({ maxDepth: 0 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  ),
}));

// The same, said in another way: on what was parsed.
function redactValue(given: unknown, paths: readonly string[], path?: string): unknown {
  if (Array.isArray(given)) return given.map((each) => redactValue(each, paths, path));
  if (typeof given !== "object" || given === null) return given;
  const entries = Object.entries(given).map(([name, each]) => {
    const longer = path === undefined ? name : `${path}.${name}`;
    const isSecret = isSecretKey(name) || paths.includes(longer);
    return [name, isSecret ? redacted : redactValue(each, paths, longer)];
  });
  return Object.fromEntries(entries) as unknown;
}

describe("keys of secrets", () => {
  it.each([
    ...["password", "PASSWORD", "userPassword", "user_password", "passwords", "PassWord"],
    ...["apiKey", "apikey", "API_KEY", "X-Api-Key", "APIKey", "stripe.api.key", "apiKeys"],
    ...["token", "accessToken", "refresh_token", "idToken", "csrf-token", "oauth2Token"],
    ...["authorization", "Authorization", "cookie", "Set-Cookie", "client_secret", "clientSecret"],
    ...["privateKey", "credentials", "creditCard", "credit_card", "ssn", "cvv", "iban", "dsn"],
  ])("are known: %s", (name) => {
    expect(isSecretKey(name)).toBe(true);
  });

  it.each([
    "user",
    "email",
    "key",
    "keyboard",
    "secretary",
    "tokenize",
    "passport",
    "card",
    "",
    "42",
  ])("are told from others: %j", (name) => {
    expect(isSecretKey(name)).toBe(false);
  });
});

describe("redacting JSON text", () => {
  it("is the same as redacting what it says", () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 1, 3), (given, indent) => {
        const paths = ["user.email", "a.b"];
        const redactor = createRedactor(paths);
        const text = JSON.stringify(given, null, indent);

        expect(JSON.parse(redactor.redact(text).text)).toEqual(
          JSON.parse(JSON.stringify(redactValue(JSON.parse(text), paths))),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it("changes nothing else: no digit, no space, no escape", () => {
    const text =
      '{ "id" : 12345678901234567890.10, "password":"x" ,\n "name":"\\u00e9\\/", "e":1E+2 }';

    expect(redact(text)).toEqual({
      text: '{ "id" : 12345678901234567890.10, "password":"[redacted]" ,\n "name":"\\u00e9\\/", "e":1E+2 }',
      isRedacted: true,
    });
    expect(redact('{"user":1}')).toEqual({ text: '{"user":1}', isRedacted: false });
  });

  it("takes whatever a secret is: an object, a list, a number", () => {
    const text = '{"a":{"token":{"b":["}"]}},"secret":[1,[2]],"pwd":-1.5e3,"c":null}';

    expect(redact(text).text).toBe(
      '{"a":{"token":"[redacted]"},"secret":"[redacted]","pwd":"[redacted]","c":null}',
    );
  });

  it("finds a key that is written with escapes", () => {
    expect(redact('{"p\\u0061ssword":"x"}').text).toBe('{"p\\u0061ssword":"[redacted]"}');
  });

  it("finds paths of the application's, through arrays", () => {
    const { redact: redactPaths } = createRedactor(["user.email", "lines.price"]);
    const text = '{"user":{"email":"a","name":"b"},"email":"c","lines":[{"price":1},{"price":2}]}';

    expect(redactPaths(text).text).toBe(
      '{"user":{"email":"[redacted]","name":"b"},"email":"c",' +
        '"lines":[{"price":"[redacted]"},{"price":"[redacted]"}]}',
    );
  });

  it("shows no part of a secret where the text was cut", () => {
    const text = '{"a":[{"password":"hush","b":1}],"token":{"c":"hush"}}';

    for (let length = 0; length <= text.length; length += 1) {
      const cut = redact(text.slice(0, length)).text;
      expect(cut.replaceAll(redacted, "")).not.toMatch(/hu|"h/);
    }
  });

  it("takes a text of any depth and length in proportion", { timeout: 30_000 }, () => {
    const depth = 10_000;
    const deep = `${'{"a":['.repeat(depth)}{"password":"x"}${"]}".repeat(depth)}`;
    const wide = `[${'{"password":"\\\\\\"","a":"b"},'.repeat(50_000)}0]`;

    expect(redact(deep).text).toContain('{"password":"[redacted]"}');
    expect(redact(wide).text).toHaveLength(wide.length + 50_000 * (redacted.length - 4));
  });
});

describe("redacting sentences", () => {
  it.each([
    [
      "connect postgres://app:hush@db:5432/app failed",
      "connect postgres://[redacted]@db:5432/app failed",
    ],
    ["with password=hush&x=1", "with password=[redacted]&x=1"],
    ['got {"apiKey":"hu sh","id":7}', 'got {"apiKey":[redacted],"id":7}'],
    ["Authorization: Bearer abcdefgh.hush", "Authorization: [redacted]"],
    ["sent bearer abcdefgh.hush.x to it", "sent bearer [redacted] to it"],
    ["client_secret: 'hush', token = hush", "client_secret: [redacted], token = [redacted]"],
    ["expected a token, got none", "expected a token, got none"],
    ["at file:12:3 (key=value)", "at file:12:3 (key=value)"],
  ])("%s", (given, shown) => {
    expect(redactSentence(given)).toEqual({ text: shown, isRedacted: given !== shown });
  });

  it("takes time in proportion to the text", () => {
    const nasty = [
      "a".repeat(200_000),
      "a=".repeat(100_000),
      "://".repeat(50_000),
      'token="'.repeat(30_000),
    ];
    const startedAt = performance.now();

    for (const text of nasty) redactSentence(text);

    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe("the option `redact`", () => {
  it.each(["user.email", [1], [""], {}])("refuses %j", (given) => {
    expect(() => checkRedact(given)).toThrow(
      expect.objectContaining({ code: "PAWL_OPTION_INVALID" }),
    );
  });
});
