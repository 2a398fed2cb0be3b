import { describe, expect, it } from "vitest";
import { OptionError } from "#pawl/core/errors";
import {
  abortSignal,
  boolean,
  checkKeys,
  date,
  describeValue,
  integerBetween,
  nonNegativeInteger,
  oneOf,
  positiveInteger,
  queueName,
  schemaName,
  taskName,
  text,
  uuid,
} from "#pawl/core/options";

const known = ["queues", "concurrency", "lease", "pollInterval"];
const id = "018f3c5e-7b2a-7c3d-9e4f-a1b2c3d4e5f6";

function errorOf(check: () => unknown): OptionError {
  try {
    check();
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error("expected an OptionError");
}

describe("checkKeys", () => {
  it.each([[{}], [{ lease: "5s" }], [{ lease: undefined }], [Object.create(null) as object]])(
    "accepts %j",
    (given) => {
      expect(() => {
        checkKeys("worker()", given, known);
      }).not.toThrow();
    },
  );

  it.each([[undefined], [null], ["lease"], [5], [["lease"]], [() => ({})]])(
    "refuses %j, which is no object",
    (given) => {
      const error = errorOf(() => {
        checkKeys("worker()", given, known);
      });

      expect(error.code).toBe("PAWL_OPTION_INVALID");
      expect(error.message).toMatch(/^expected the options of worker\(\) to be an object, got /);
    },
  );

  it.each([
    ["concurency", "concurrency"],
    ["queue", "queues"],
    ["Lease", "lease"],
    ["pollinterval", "pollInterval"],
    ["pollIntervalMs", "pollInterval"],
  ])("asks whether `%s` was meant to be `%s`", (given, meant) => {
    const error = errorOf(() => {
      checkKeys("worker()", { [given]: 1 }, known);
    });

    expect(error.message).toBe(
      `unknown option \`${given}\` of worker(): did you mean \`${meant}\`?`,
    );
  });

  it.each([
    ["retrie", "retries"],
    ["rtry", "retry"],
    ["rettry", "retry"],
    ["yrter", undefined],
    ["RETRIES", "retries"],
    ["maxjsonbytes", "maxJSONBytes"],
    ["maxBites", undefined],
    ["aa", undefined],
    ["partitionCnt", "partitionCount"],
    ["partishunCont", "partitionCount"],
    ["partiCount", undefined],
  ])("means by `%s` the nearest option, if it is near: %s", (given, meant) => {
    const names = ["retry", "retries", "maxJSONBytes", "id", "partitionCount"];

    const error = errorOf(() => {
      checkKeys("worker()", { [given]: 1 }, names);
    });

    expect(/did you mean `(.*)`/.exec(error.message)?.[1]).toBe(meant);
  });

  it("lists the known options when none is close", () => {
    const error = errorOf(() => {
      checkKeys("worker()", { shoeSize: 44 }, known);
    });

    expect(error.message).toBe(
      "unknown option `shoeSize` of worker(): " +
        "expected one of queues, concurrency, lease, pollInterval",
    );
  });

  it("names the unknown option in its fields, with a code of its own", () => {
    const error = errorOf(() => {
      checkKeys("worker()", { shoeSize: 44 }, known);
    });

    expect(error).toMatchObject({ code: "PAWL_OPTION_UNKNOWN", option: "shoeSize" });
  });

  it("refuses an unknown option that is undefined", () => {
    expect(() => {
      checkKeys("worker()", { shoeSize: undefined }, known);
    }).toThrow(OptionError);
  });
});

describe("integers", () => {
  it.each([1, 2, Number.MAX_SAFE_INTEGER])("accepts %d as positive", (value) => {
    expect(positiveInteger("concurrency", value)).toBe(value);
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, "1", null, undefined, 1n, true])(
    "refuses %o as positive",
    (value) => {
      expect(() => positiveInteger("concurrency", value)).toThrow(OptionError);
    },
  );

  it("accepts zero where it is not negative", () => {
    expect(nonNegativeInteger("delay", 0)).toBe(0);
  });

  it("refuses a negative number", () => {
    expect(() => nonNegativeInteger("delay", -1)).toThrow(
      "expected `delay` to be an integer of 0 or more, got -1",
    );
  });

  it.each([-32768, 0, 32767])("accepts %d between the bounds", (value) => {
    expect(integerBetween("priority", value, -32768, 32767)).toBe(value);
  });

  it.each([-32769, 32768, 0.5, "0"])("refuses %j outside of them", (value) => {
    expect(() => integerBetween("priority", value, -32768, 32767)).toThrow(
      /^expected `priority` to be an integer from -32768 to 32767, got /,
    );
  });

  it("says what was expected and what came", () => {
    expect(errorOf(() => positiveInteger("concurrency", 0))).toMatchObject({
      message: "expected `concurrency` to be a positive integer, got 0",
      option: "concurrency",
      expected: "a positive integer",
      got: "0",
    });
  });
});

describe("oneOf", () => {
  it("gives the value when it is one of them", () => {
    expect(oneOf("mode", "keep", ["keep", "replace"])).toBe("keep");
  });

  it("lists two values with an or between them", () => {
    expect(() => oneOf("mode", "fail", ["keep", "replace"])).toThrow(
      'expected `mode` to be "keep" or "replace", got "fail"',
    );
  });

  it.each(["", "Keep", 0, undefined])("refuses %j", (value) => {
    expect(() => oneOf("mode", value, ["keep", "replace", "fail"])).toThrow(
      /^expected `mode` to be "keep", "replace" or "fail", got /,
    );
  });
});

describe("texts", () => {
  it.each([
    ["", "that is not empty"],
    ["a\0b", "without NUL"],
    ["a\ud800", "without NUL and lone surrogates"],
    ["\udc00a", "without NUL and lone surrogates"],
    [5, "a string, got 5"],
    [undefined, "a string, got undefined"],
  ])("refuses %j", (value, reason) => {
    expect(() => text("name", value)).toThrow(reason);
  });

  it.each(["a", " ", "señor", "日本", "👍", "a".repeat(10_000)])("accepts %j", (value) => {
    expect(text("name", value)).toBe(value);
  });

  it.each(["default", "a".repeat(63), "é".repeat(31), "with space", "email/eu"])(
    "accepts the queue name %j",
    (name) => {
      expect(queueName("queue", name)).toBe(name);
    },
  );

  it.each([
    ["", "not empty"],
    ["a".repeat(64), "at most 63 bytes of UTF-8"],
    ["é".repeat(32), "of 64 bytes"],
    ["a\0", "without NUL"],
    [7, "a string"],
  ])("refuses the queue name %j", (name, rule) => {
    expect(() => queueName("queue", name)).toThrow(rule);
  });

  it("accepts a task name of 255 bytes", () => {
    expect(taskName("name", "t".repeat(255))).toHaveLength(255);
  });

  it("refuses a task name of 256 bytes", () => {
    expect(() => taskName("name", "t".repeat(256))).toThrow("at most 255 bytes");
  });

  it.each(["pawl", "_p", "pawl_2", "p".repeat(48)])("accepts the schema name %j", (name) => {
    expect(schemaName("schema", name)).toBe(name);
  });

  it.each(["", "Pawl", "2pawl", "pa-wl", 'p"', "pawl\n", "p".repeat(49), "é", null])(
    "refuses the schema name %j",
    (name) => {
      expect(() => schemaName("schema", name)).toThrow(OptionError);
    },
  );
});

describe("other values", () => {
  it("gives a UUID in lower case", () => {
    expect(uuid("id", id.toUpperCase())).toBe(id);
  });

  it.each(["", "1", `${id}0`, `{${id}}`, id.replaceAll("-", ""), 5, undefined])(
    "refuses %j as a UUID",
    (value) => {
      expect(() => uuid("id", value)).toThrow(/^expected `id` to be a UUID, got /);
    },
  );

  it.each([true, false])("accepts %j as a boolean", (value) => {
    expect(boolean("force", value)).toBe(value);
  });

  it.each(["true", 1, 0, null, undefined])("refuses %j as a boolean", (value) => {
    expect(() => boolean("force", value)).toThrow("expected `force` to be true or false");
  });

  it("accepts a Date", () => {
    const now = new Date(0);

    expect(date("runAt", now)).toBe(now);
  });

  it.each([new Date("nonsense"), "2026-01-01", 0, null])("refuses %j as a Date", (value) => {
    expect(() => date("runAt", value)).toThrow("expected `runAt` to be a valid Date");
  });

  it("accepts an AbortSignal", () => {
    const { signal } = new AbortController();

    expect(abortSignal("signal", signal)).toBe(signal);
  });

  it("refuses an AbortController where its signal is wanted", () => {
    expect(() => abortSignal("signal", new AbortController())).toThrow(OptionError);
  });
});

describe("describeValue", () => {
  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [-0.5, "-0.5"],
    [7n, "7n"],
    ["a\nb", '"a\\nb"'],
    ["x".repeat(100), `"${"x".repeat(60)}…"`],
    ["x".repeat(60), `"${"x".repeat(60)}"`],
    [Symbol("secret"), "a symbol"],
    [() => 1, "a function"],
    [[1, 2], "an array of 2"],
    [{ password: "secret" }, "an object"],
    [new Date(0), "a Date"],
    [new Date("nonsense"), "an invalid Date"],
    [Promise.resolve(), "a Promise (await it first)"],
  ])("shows %o as %s", (value, shown) => {
    expect(describeValue(value)).toBe(shown);
  });
});
