/** Replaces the secrets in a text. */
export type Redact = (text: string) => string;

/** A shorter secret would be found inside many ordinary words. */
const SHORTEST_SECRET = 8;

/**
 * Makes a function that replaces secrets with `…`, or with `…abcd` where the last four characters tell which secret it
 * was. It replaces the given secrets of at least eight characters, in every encoding, and everything that has the shape
 * of a secret. Of an address with a path, only the part after the host is secret.
 *
 * A second application changes nothing. No text gets longer. JSON stays JSON. The time is proportional to the length.
 */
export function createRedactor(secrets: readonly string[]): Redact {
  const known = knownSecrets(secrets);
  const settle = (text: string): string => {
    // The text on both sides of a replaced secret may together form another one. Each round makes the text shorter.
    for (let before = text; ;) {
      const after = redactOnce(before, known);
      if (after === before) return after;
      before = after;
    }
  };
  return (text) => {
    if (text.length < SHORTEST_SECRET) return text;
    const redacted = settle(text);
    if (redacted === text || !isJson(text) || isJson(redacted)) return redacted;
    // The secret looks like a part of JSON syntax, so only the values are redacted.
    return JSON.stringify(redactValue(JSON.parse(text) as unknown, settle));
  };
}

/**
 * Redacts every text in a value that JSON can express. Keys stay. A value without a secret is returned as it is. A value
 * that lies deeper than any of ours is replaced with `…`.
 */
export function redactValue<T>(value: T, redact: Redact): T {
  return redactNested(value, redact, 0) as T;
}

const DEEPEST = 200;

function redactNested(value: unknown, redact: Redact, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEEPEST) return '…';
  if (Array.isArray(value)) {
    const items = value.map((item) => redactNested(item, redact, depth + 1));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const entries = Object.entries(value) as [string, unknown][];
  const redacted = entries.map(([, item]) => redactNested(item, redact, depth + 1));
  if (redacted.every((item, index) => item === entries[index]?.[1])) return value;
  return Object.fromEntries(entries.map(([key], index) => [key, redacted[index]]));
}

interface KnownSecrets {
  readonly pattern: RegExp;
  /** The replacement of each secret, by the number of its group. */
  readonly masks: readonly string[];
}

function knownSecrets(secrets: readonly string[]): KnownSecrets | undefined {
  const distinct = [...new Set(secrets.map(secretPart))]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    // The longest comes first, because a secret may be the beginning of another.
    .sort((a, b) => b.length - a.length);
  if (distinct.length === 0) return undefined;
  return {
    pattern: new RegExp(distinct.map((secret) => `(${patternOf(secret)})`).join('|'), 'g'),
    masks: distinct.map(maskSecret),
  };
}

/** The host of an address may be seen. Whoever knows the rest can use the address. */
function secretPart(secret: string): string {
  const trimmed = secret.trim();
  const path = /^https?:\/\/[^/?#]+(?<path>[/?#].*)$/i.exec(trimmed)?.groups?.['path'] ?? '';
  return path.length > SHORTEST_SECRET ? path.slice(1) : trimmed;
}

function redactOnce(text: string, known: KnownSecrets | undefined): string {
  let result = text;
  if (known !== undefined)
    result = result.replace(known.pattern, (_match, ...groups: unknown[]) => {
      return known.masks[groups.findIndex((group) => group !== undefined)] ?? MASK;
    });
  for (const shape of SECRET_SHAPES)
    result = result.replace(shape, (_match, kept: string, secret: string) => kept + maskSecret(secret));
  return result.replace(PRIVATE_KEY, `$1${MASK}`);
}

function isJson(text: string): boolean {
  if (!/^\s*[[{"]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The source of a pattern that matches a secret in every spelling: plain, quoted for JSON or a shell, encoded for an
 * address, or escaped, with a mixture of these from character to character; and inside any text in base64.
 */
function patternOf(secret: string): string {
  return [Array.from(secret, spellings).join(''), ...inBase64(secret)].join('|');
}

function spellings(character: string): string {
  if (/[A-Za-z\d]/.test(character)) return character;
  const quoted = QUOTED[character];
  return `(?:${[
    character === '\\' ? '\\\\{1,4}' : `\\\\{0,3}${character.replace(/[^\w\s]/, '\\$&')}`,
    ...(quoted === undefined ? [] : [`\\\\{1,3}${quoted}`]),
    ...(character === ' ' ? ['\\+'] : []),
    [...Buffer.from(character)].map((byte) => `%(?:25){0,2}${hex(byte, 2)}`).join(''),
    character
      .split('')
      .map((unit) => `\\\\{1,3}u${hex(unit.charCodeAt(0), 4)}`)
      .join(''),
  ].join('|')})`;
}

const QUOTED: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f' };

function hex(number: number, digits: number): string {
  return number
    .toString(16)
    .padStart(digits, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

/** Base64 turns three bytes into four characters, so the encoding of a secret depends on what stands before it. */
function inBase64(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    const own = text.slice(first, last).replace(/[+/]/g, (sign) => (sign === '+' ? PLUS : SLASH));
    return `${own}(?:[\\w+/-]?=)?=?`;
  });
}

const PLUS = '(?:[-+]|%2[bB])';
const SLASH = '(?:_|\\\\{0,3}/|%2[fF])';

/** Shows the last four characters of a secret where they help to recognise it and enough of it stays hidden. */
function maskSecret(secret: string): string {
  return secret.length >= 16 && TELLING_END.test(secret) ? `${MASK}${secret.slice(-4)}` : MASK;
}

const MASK = '…';
const TELLING_END = /[\w-]{4}$/;

/**
 * Every shape of a secret: the first group leads to it and stays, the second is masked. No shape matches what was masked
 * again. A secret holds no quotes and no backslashes before a quote, so that JSON stays JSON. Each pattern begins with
 * fixed letters or at a word boundary. Each repetition has a bound or ends at a character that it cannot match. So the
 * time is proportional to the length of the text.
 */
const SECRET_SHAPES: readonly RegExp[] = [
  // Keys whose first letters name their issuer: Anthropic, OpenAI, Slack, GitHub, GitLab, npm.
  /(sk-ant-)([\w-]{4,20000})/g,
  /(?<![\w-])(sk-)((?=[\w-]{0,40}\d)[\w-]{20,20000})/g,
  /\b(xox[a-z]-|xapp-)([\w-]{8,20000})/g,
  /\b(gh[pousr]_|github_pat_|glpat-|npm_)([\w-]{16,20000})/g,
  /\b(A(?:KIA|SIA|GPA|IDA|ROA|NPA|NVA|IPA))([A-Z\d]{12,20000})/g,
  /\b(AIza)([\w-]{30,20000})/g,
  // JSON Web Tokens.
  /(?<![\w.-])(eyJ)([\w-]{8,20000}\.[\w-]{8,20000}(?:\.[\w-]{0,20000})?)/g,
  // Headers: as sent, in JSON, and in the arguments of curl.
  /\b((?:proxy-)?authorization\b[\s"'\\]{0,6}[:=][\s"'\\]{0,6}(?:bearer|basic|token|digest|negotiate|apikey)[\s+]{1,4})([\w.~+/-]{4,20000}={0,2})/gi,
  /\b((?:proxy-)?authorization\b[\s"'\\]{0,6}[:=][\s"'\\]{0,6})((?=[\w.~+/-]{0,40}\d)[\w.~+/-]{12,20000}={0,2})/gi,
  /\b(bearer\s{1,4})((?=[\w.~+/-]{0,40}\d)[\w.~+/-]{16,20000}={0,2})/gi,
  /\b(x-(?:[a-z]{1,12}-){0,3}(?:key|token|secret)\b[\s"'\\]{0,6}[:=][\s"'\\]{0,6})([\w.~+/-]{8,20000}={0,2})/gi,
  // The output of `env`.
  /(?<![A-Z\d_])([A-Z\d_]{0,60}(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE)=)([^\s"'\\…$<{(&;,]{8,20000})/g,
  // Webhooks: whoever knows the address can post to it.
  /((?:hooks\.slack(?:-gov)?\.com|discord(?:app)?\.com(?:\\{0,3}\/|%2F)api(?:\\{0,3}\/|%2F)webhooks|webhook\.office\.com)(?:\\{0,3}\/|%2F))((?:[\w%@+-]|\\{1,3}\/|\/){8,20000})/gi,
  // Addresses: passwords, tokens in the place of a user name, and parameters.
  /(?<![a-z\d+.-])([a-z][a-z\d+.-]{1,20}:(?:\\{0,3}\/){2}[^\s:@/?#"'\\]{0,64}:)([^\s@/?#"'\\…]{2,256})(?=@)/gi,
  /(:(?:\\{0,3}\/){2})([^\s:@/?#"'\\…]{20,256})(?=@)/g,
  /([?&](?:access_token|auth_token|token|api_?key|key|client_secret|secret|password|sig|signature|x-amz-signature|x-amz-credential)=)([^\s&#"'\\…<>{$]{8,20000})/gi,
];

/** A private key, complete or cut off. JSON may write its line ends as escapes. */
const PRIVATE_KEY =
  /(-----BEGIN [A-Z\d ]{0,30}PRIVATE KEY(?: BLOCK)?-----)(?:(?:\s|\\{1,3}[nrt]){1,8}(?:[A-Za-z-]{3,12}: [\w,./ ()-]{1,80}|[A-Za-z\d+/=]{1,4000})){1,400}(?:(?:\s|\\{1,3}[nrt]){0,8}-----END [A-Z\d ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?/g;
