// What a key is called whose value is nobody's business, without separators and in lower case. Plurals are meant as well.
const secretNames: ReadonlySet<string> = new Set([
  ...["password", "passwd", "pwd", "passphrase", "passcode", "secret", "credential"],
  ...[
    "token",
    "accesstoken",
    "authtoken",
    "refreshtoken",
    "idtoken",
    "jwt",
    "bearer",
    "csrf",
    "otp",
  ],
  ...["authorization", "cookie", "setcookie", "sessionid", "sid"],
  ...["apikey", "accesskey", "privatekey", "secretkey", "signingkey", "encryptionkey", "sshkey"],
  ...["clientsecret", "apisecret", "connectionstring", "databaseurl", "dsn"],
  ...[
    "creditcard",
    "cardnumber",
    "accountnumber",
    "bankaccount",
    "cvv",
    "cvc",
    "iban",
    "ssn",
    "socialsecuritynumber",
  ],
]);
const mostWords = 3;

// A run of capitals is a word, without the last one when small letters follow: "APIKey" is "API" and "Key".
const words = /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}]+|\d+/gu;

/** Whether a key says that its value is a secret: `password`, `apiKey`, `X-Api-Key`, `user_tokens`. */
export function isSecretKey(key: string): boolean {
  const parts = (key.match(words) ?? []).map((word) => word.toLowerCase());
  return parts.some((_, start) =>
    Array.from({ length: mostWords }, (__, more) =>
      parts.slice(start, start + more + 1).join(""),
    ).some(isSecretName),
  );
}

function isSecretName(name: string): boolean {
  if (/(?:password|passwd)s?$/.test(name)) return true; // also as a part of a word that has no other
  return secretNames.has(name) || (name.endsWith("s") && secretNames.has(name.slice(0, -1)));
}
