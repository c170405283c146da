const SECRET_NAME = /(?:api_?key|auth_?token|access_?token|(?:^|_)token|secret|password|passwd)$/i;
const WEBHOOK = /^notifications\.(?:slack_)?webhook_url$/;
const SECRET_VALUE = /sk-ant-[\w-]{8}|\bxox[abp]-[\w-]{8}|\bgh[pousr]_\w{20}/;

/** Whether a key holds the address of a webhook: whoever knows it can post there. */
export function isWebhook(path: string): boolean {
  return WEBHOOK.test(path);
}

/** Whether a text has the form of a credential. */
export function looksSecret(text: string): boolean {
  return SECRET_VALUE.test(text);
}

/** The paths of all credentials in a value that came from a file: by their name, or by their form. */
export function findSecrets(value: unknown): string[] {
  const found: string[] = [];
  const open: { readonly path: string; readonly name: string; readonly value: unknown }[] = [
    { path: '', name: '', value },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, name, value: inner } = next;
    if (typeof inner === 'string') {
      if (looksSecret(inner) || (inner.trim() !== '' && SECRET_NAME.test(name))) found.push(path);
    } else if (typeof inner === 'object' && inner !== null) {
      for (const [key, child] of Object.entries(inner))
        open.push({ path: path === '' ? key : `${path}.${key}`, name: key, value: child });
    }
  }
  return found.reverse();
}

/** Removes what must not be shown from a value: credentials, and the path of a webhook address. */
export function hideSecrets(path: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (looksSecret(value) || SECRET_NAME.test(path.slice(path.lastIndexOf('.') + 1))) return lastFour(value);
    if (isWebhook(path) && URL.canParse(value)) return `${new URL(value).origin}/…${value.slice(-4)}`;
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => hideSecrets(path, item));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, hideSecrets(`${path}.${key}`, inner)]),
    );
  return value;
}

/** The one form in which a key is ever printed. */
export function lastFour(secret: string): string {
  return secret.length < 16 ? '…' : `…${secret.slice(-4)}`;
}
