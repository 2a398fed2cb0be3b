// What a key is called whose value is nobody's business: in lower case, the words of a name written together.
const secretNames: ReadonlySet<string> = new Set([
  ...["password", "passwords", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets"],
  ...["credential", "credentials", "token", "tokens", "jwt", "bearer", "otp", "csrf"],
  ...["authorization", "cookie", "cookies", "sessionid", "connectionstring", "dsn"],
  ...["apikey", "apikeys", "accesskey", "accesskeyid", "privatekey", "privatekeys", "sshkey"],
  ...["signingkey", "encryptionkey", "secretkey", "creditcard", "creditcards", "cardnumber"],
  ...["cvv", "cvc", "ssn", "iban", "socialsecuritynumber"],
]);
// A word that ends so is a name that somebody has written without separators: `dbpassword`, `accesstoken`.
const secretEndings = /(?:password|passwd|passphrase|secret|token|apikey|privatekey|credentials?)$/;
const mostWords = 3;
const longestKey = 200;
const mostRemembered = 2_000;

// A run of capitals is a word, but for the last one when small letters follow: "APIKey" is "API" and "Key".
const words = /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}]+|\d+/gu;

const remembered = new Map<string, boolean>();

/** Whether a key says that its value is a secret: `password`, `apiKey`, `X-Api-Key`, `user_token`. */
export function isSecretKey(key: string): boolean {
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const isSecret = namesSecret(key.slice(0, longestKey));
  if (remembered.size >= mostRemembered) remembered.clear();
  if (key.length <= longestKey) remembered.set(key, isSecret);
  return isSecret;
}

/** Whether a key with a number says how many there are, as `maxTokens: 4096` does, though it is called like a secret. */
export function isCountKey(key: string): boolean {
  return /tokens$/i.test(key);
}

function namesSecret(key: string): boolean {
  const parts = (key.match(words) ?? []).map((word) => word.toLowerCase());
  if (parts.some((part) => secretEndings.test(part))) return true;
  return parts.some((_, start) =>
    Array.from({ length: mostWords }, (__, more) =>
      parts.slice(start, start + more + 1).join(""),
    ).some((name) => secretNames.has(name)),
  );
}
