/** A form by which a secret is known although nobody has named it; what `pattern` matches is replaced by `replacement`. */
interface SecretShape {
  readonly pattern: RegExp;
  /** Gets the match and its groups; shorter than the match, and nothing that any shape matches again. */
  readonly replacement: (match: string, ...groups: string[]) => string;
}

/** What stands for a secret: its last four characters where they help to recognise it and enough stays hidden. */
export function hide(secret: string): string {
  return secret.length >= 16 && TELLING_END.test(secret) ? `${MARK}${secret.slice(-4)}` : MARK;
}

const MARK = '…';
const TELLING_END = /[\w-]{4}$/;

/** Before a key or a token: groups 1 stay, the rest is hidden. */
const afterFirst = (_match: string, kept: string, secret: string): string => kept + hide(secret);

/**
 * Every shape. A value holds neither quotes nor backslashes that stand before one, so that JSON stays JSON. Each
 * pattern begins with letters of its own or where a word begins, and each repetition is bounded or ends at what it
 * cannot match, so that the time is proportional to the text's length.
 */
export const SECRET_SHAPES: readonly SecretShape[] = [
  // Keys that tell by their beginning whose they are: Anthropic, OpenAI, Slack, GitHub, GitLab, npm.
  { pattern: /(sk-ant-)([\w-]{4,20000})/g, replacement: afterFirst },
  { pattern: /(?<![\w-])(sk-)((?=[\w-]{0,40}\d)[\w-]{20,20000})/g, replacement: afterFirst },
  { pattern: /\b(xox[a-z]-|xapp-)([\w-]{8,20000})/g, replacement: afterFirst },
  { pattern: /\b(gh[pousr]_|github_pat_|glpat-|npm_)([\w-]{16,20000})/g, replacement: afterFirst },
  { pattern: /\b(A(?:KIA|SIA|GPA|IDA|ROA|NPA|NVA|IPA))([A-Z\d]{12,20000})/g, replacement: afterFirst },
  { pattern: /\b(AIza)([\w-]{30,20000})/g, replacement: afterFirst },
  // JSON Web Tokens.
  {
    pattern: /(?<![\w.-])(eyJ)([\w-]{8,20000}\.[\w-]{8,20000}(?:\.[\w-]{0,20000})?)/g,
    replacement: afterFirst,
  },
  // Headers, as they are sent, in JSON, and in the arguments of curl.
  {
    pattern:
      /\b((?:proxy-)?authorization\b[\s"'\\]{0,6}[:=][\s"'\\]{0,6}(?:bearer|basic|token|digest|negotiate|apikey)[\s+]{1,4})([\w.~+/-]{4,20000}={0,2})/gi,
    replacement: afterFirst,
  },
  {
    pattern:
      /\b((?:proxy-)?authorization\b[\s"'\\]{0,6}[:=][\s"'\\]{0,6})((?=[\w.~+/-]{0,40}\d)[\w.~+/-]{12,20000}={0,2})/gi,
    replacement: afterFirst,
  },
  { pattern: /\b(bearer\s{1,4})((?=[\w.~+/-]{0,40}\d)[\w.~+/-]{16,20000}={0,2})/gi, replacement: afterFirst },
  {
    pattern:
      /\b(x-(?:[a-z]{1,12}-){0,3}(?:key|token|secret)\b[\s"'\\]{0,6}[:=][\s"'\\]{0,6})([\w.~+/-]{8,20000}={0,2})/gi,
    replacement: afterFirst,
  },
  // What `env` prints.
  {
    pattern:
      /(?<![A-Z\d_])([A-Z\d_]{0,60}(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE)=)([^\s"'\\…$<{(&;,]{8,20000})/g,
    replacement: afterFirst,
  },
  // Webhooks: who knows the address may write.
  {
    pattern:
      /((?:hooks\.slack(?:-gov)?\.com|discord(?:app)?\.com(?:\\{0,3}\/|%2F)api(?:\\{0,3}\/|%2F)webhooks|webhook\.office\.com)(?:\\{0,3}\/|%2F))((?:[\w%@+-]|\\{1,3}\/|\/){8,20000})/gi,
    replacement: (_match, kept, path) => kept + hide(path),
  },
  // Addresses: passwords, tokens in a user's place, and parameters.
  {
    pattern:
      /(?<![a-z\d+.-])([a-z][a-z\d+.-]{1,20}:(?:\\{0,3}\/){2}[^\s:@/?#"'\\]{0,64}:)([^\s@/?#"'\\…]{2,256})(?=@)/gi,
    replacement: afterFirst,
  },
  { pattern: /(:(?:\\{0,3}\/){2})([^\s:@/?#"'\\…]{20,256})(?=@)/g, replacement: afterFirst },
  {
    pattern:
      /([?&](?:access_token|auth_token|token|api_?key|key|client_secret|secret|password|sig|signature|x-amz-signature|x-amz-credential)=)([^\s&#"'\\…<>{$]{8,20000})/gi,
    replacement: afterFirst,
  },
  // Private keys, also those that are cut off; their lines may be separated as JSON writes it.
  {
    pattern:
      /(-----BEGIN [A-Z\d ]{0,30}PRIVATE KEY(?: BLOCK)?-----)((?:(?:\s|\\{1,3}[nrt]){1,8}(?:[A-Za-z-]{3,12}: [\w,./ ()-]{1,80}|[A-Za-z\d+/=]{1,4000})){1,400}(?:(?:\s|\\{1,3}[nrt]){0,8}-----END [A-Z\d ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?)/g,
    replacement: (_match, kept) => kept + MARK,
  },
];
