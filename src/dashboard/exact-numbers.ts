// Texts are matched as well, so that no digits within them are taken for a number.
const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const form = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/;

/** The first number of a JSON text that JavaScript cannot hold, such as 12345678901234567890; undefined when there is none. */
export function inexactNumber(jsonText: string): string | undefined {
  for (const [text] of jsonText.matchAll(token)) {
    if (!text.startsWith('"') && !isExact(text)) return text;
  }
  return undefined;
}

function isExact(text: string): boolean {
  const value = Number(text);
  return Number.isFinite(value) && digitsOf(text) === digitsOf(String(value));
}

// A number as its digits without zeros around them, and where the point is: the same for 1.50 and 15e-1.
function digitsOf(text: string): string {
  const [, sign = "", whole = "", part = "", exponent = "0"] = form.exec(text) ?? [];
  const digits = `${whole}${part}`.replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  if (short === "") return "0";
  return `${sign}${short}e${Number(exponent) - part.length + digits.length - short.length}`;
}
