import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskText } from "#pawl/dashboard/mask-text";
import { makeSecrets } from "#pawl/dashboard/redact";
import { isSecretKey } from "#pawl/dashboard/secret-keys";

const { redact } = makeSecrets();

describe("a key", () => {
  it.each([
    ...["password", "Password", "PASSWORD", "userPassword", "user_password", "dbpassword"],
    ...["passwd", "secret", "clientSecret", "client-secret", "token", "accessToken", "tokens"],
    ...["authorization", "Authorization", "Proxy-Authorization", "cookie", "Set-Cookie"],
    ...["apiKey", "APIKey", "api_key", "X-Api-Key", "apikey", "privateKey", "PRIVATE_KEY"],
    ...["creditCard", "credit_card", "creditCardNumber", "ssn", "cvv", "jwt", "credentials"],
    ...["config.password", "stripeSecretKey", "awsAccessKeyId"],
  ])("says that its value is a secret: %s", (key) => {
    expect(isSecretKey(key)).toBe(true);
  });

  it.each([
    ...["to", "email", "secretary", "tokenize", "passwordless", "cookiecutter", "key", "author"],
    ...["api", "keyboard", "card", "compass", "id", "", "🦊", "authorized", "assessment"],
  ])("says nothing of a secret: %s", (key) => {
    expect(isSecretKey(key)).toBe(false);
  });
});

describe("redaction", () => {
  it("changes nothing else, to the last digit and space", () => {
    const text = ' { "n" : 12345678901234567890.10 , "e":1E400,"password" : [ {"a":1} ] , "z":-0 } ';

    expect(redact(text)).toEqual({
      text: ' { "n" : 12345678901234567890.10 , "e":1E400,"password" : "[redacted]" , "z":-0 } ',
      isRedacted: true,
    });
  });

  it.each(["{}", "[]", "null", '"a"', '{"to":"ada"}', '{"a":{"b":[1,2,{"c":null}]}}', ""])(
    "leaves %s as it is",
    (text) => {
      expect(redact(text)).toEqual({ text, isRedacted: false });
    },
  );

  it.each([
    ['{"a":{"token":"x","b":1}}', '{"a":{"token":"[redacted]","b":1}}'],
    ['{"token":null,"x":{"secret":{"deep":[1]}}}', '{"token":"[redacted]","x":{"secret":"[redacted]"}}'],
    [String.raw`{"pass\u0077ord":"a\"b"}`, String.raw`{"pass\u0077ord":"[redacted]"}`],
    ['[{"password":1},{"password":{}}]', '[{"password":"[redacted]"},{"password":"[redacted]"}]'],
    ['{"password":"a","password":"b"}', '{"password":"[redacted]","password":"[redacted]"}'],
    ['{"maxTokens":4096,"tokens":["a"]}', '{"maxTokens":4096,"tokens":"[redacted]"}'],
    ['"postgres://ada:pw@db/app"', '"postgres://[redacted]@db/app"'],
    ['{"error":"password=hunter2 is wrong"}', '{"error":"password=[redacted] is wrong"}'],
  ])("of %s is %s", (text, expected) => {
    expect(redact(text)).toEqual({ text: expected, isRedacted: true });
  });

  it("hides paths of the application's, also within lists", () => {
    const { redact: own } = makeSecrets(["user.email", "rows.cell.a"]);
    const text = '{"user":{"email":"a@b","name":"a"},"email":"c","rows":[{"cell":[{"a":{"x":1}}]}]}';

    expect(own(text).text).toBe(
      '{"user":{"email":"[redacted]","name":"a"},"email":"c","rows":[{"cell":[{"a":"[redacted]"}]}]}',
    );
  });

  it.each(['{"a":', '{"a":"b', "[1,2", '{"password":{"a":1}', String.raw`{"a":"\x"}`])(
    "shows nothing of what is no JSON: %s",
    (text) => {
      expect(redact(text)).toEqual({ text: '"[redacted]"', isRedacted: true });
    },
  );

  it("is the same as that of the value, whatever the value is", () => {
    const key = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("password", "apiKey", "maxTokens", "user", "email", "__proto__", 'to"ken', "a"),
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("token=abc&x=1", "a://b:c@d", "Authorization: Bearer abcdefghij", '{"pwd":"x"}'),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        ...[text, fc.double(), fc.boolean(), fc.constant(null)],
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    const { redact: own } = makeSecrets(["user.email"]);

    fc.assert(
      fc.property(tree, fc.nat(3), (value, indent) => {
        const jsonText = JSON.stringify(value, null, indent);
        const redacted = own(jsonText);

        expect(JSON.parse(redacted.text)).toEqual(redactValue(JSON.parse(jsonText), []));
        expect(redacted.isRedacted).toBe(redacted.text !== jsonText);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes any depth, and time in proportion to the text", () => {
    const depth = 10_000;
    const deep = `${'{"a":['.repeat(depth)}{"token":1}${"]}".repeat(depth)}`;
    const wide = `[${'{"id":1,"note":"see https://a.b/c?d=e, or mail x=y","token":"t"},'.repeat(40_000)}0]`;

    const started = performance.now();
    const redacted = redact(deep).text;
    redact(wide);

    expect(redacted).toContain('{"token":"[redacted]"}');
    expect(redacted).toHaveLength(deep.length - 1 + '"[redacted]"'.length);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it.each([
    ["a", "letters"],
    [":", "colons"],
    ["=", "signs of equality"],
    ["://", "addresses"],
    ["a://b:", "addresses with names"],
    ['\\"', "quotes"],
    ["password=", "keys"],
    ['password="', "keys with quotes"],
    ["bearer ", "bearers"],
    ["@", "at signs"],
    ["http://@", "addresses of nobody"],
    ["a ", "spaces"],
  ])("is quick with a million times %j (%s)", (part) => {
    const text = part.repeat(1_000_000 / part.length);

    const started = performance.now();
    maskText(text);

    expect(performance.now() - started).toBeLessThan(4_000);
  });
});

describe("a text", () => {
  it.each([
    ["connect postgres://ada:top@db:5432/app failed", "connect postgres://[redacted]@db:5432/app failed"],
    ["postgres://ada:p@ss/w@db/app", "postgres://[redacted]@db/app"],
    ["redis://:secret@cache", "redis://[redacted]@cache"],
    ["https://ada:pw@example.com/a", "https://[redacted]@example.com/a"],
    ["password=abc host=db", "password=[redacted] host=db"],
    ["?token=abc&user=ada", "?token=[redacted]&user=ada"],
    ["PGPASSWORD='a b' psql", "PGPASSWORD='[redacted]' psql"],
    ['{"apiKey":"abc","to":"ada"}', '{"apiKey":"[redacted]","to":"ada"}'],
    [String.raw`said {\"apiKey\":\"abc\",\"to\":1}`, String.raw`said {\"apiKey\":\"[redacted]\",\"to\":1}`],
    ["{ password: 'abc', to: 'ada' }", "{ password: '[redacted]', to: 'ada' }"],
    ["Authorization: Basic YWRhOnB3\nHost: a", "Authorization: [redacted]\nHost: a"],
    ["sent Bearer abcdef123456 to a", "sent Bearer [redacted] to a"],
    ["access_token: abc.def", "access_token: [redacted]"],
    ["secret = abc", "secret = [redacted]"],
    ["connectionString=postgres://a:b@c/d ok", "connectionString=[redacted] ok"],
  ])("keeps its secrets: %s", (text, expected) => {
    expect(maskText(text)).toBe(expected);
    expect(maskText(expected)).toBe(expected);
  });

  it.each([
    "no such address: ada@example.com",
    "https://example.com/@ada/posts?q=a@b",
    "Unexpected token: } in JSON at position 4",
    "at send (file:///app/src/mail.ts:12:5)",
    "if (token == null) a => b",
    "2026-01-31T12:00:00Z: 5 of 7",
    "maxTokens=4096",
    "the token has expired",
    "key=value",
    "",
  ])("stays as it is: %s", (text) => {
    expect(maskText(text)).toBe(text);
  });
});

describe("a path of a search", () => {
  it.each([
    [["user", "password"], true],
    [["apiKey", "value"], true],
    [["user", "email"], true],
    [["user", "email", "domain"], true],
    [["users", "0", "email"], false],
    [["list", "0", "iban"], true],
    [["rows", "7", "cell"], true],
    [["user"], false],
    [["id"], false],
  ])("%j is secret: %s", (path, expected) => {
    const { isSecretPath } = makeSecrets(["user.email", "rows.cell"]);

    expect(isSecretPath(path)).toBe(expected);
  });
});

// The same, on the value, and without a thought for depth and speed.
function redactValue(value: unknown, path: readonly string[]): unknown {
  if (typeof value === "string") return maskText(value);
  if (Array.isArray(value)) return value.map((each) => redactValue(each, path));
  if (typeof value !== "object" || value === null) return value;
  const copy = {};
  for (const [key, each] of Object.entries(value)) {
    const isCount = /tokens$/i.test(key) && typeof each === "number";
    const isSecret = isSecretKey(key) && !isCount;
    const isOwn = [...path, key].join(".") === "user.email";
    Object.defineProperty(copy, key, {
      ...{ enumerable: true, configurable: true, writable: true },
      value: isSecret || isOwn ? "[redacted]" : redactValue(each, [...path, key]),
    });
  }
  return copy;
}
