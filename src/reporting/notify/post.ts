/** The result of sending a message. */
export type PostResult =
  | { readonly kind: 'accepted' }
  /** It may be accepted later, but not before `afterMs` where the server said so. */
  | { readonly kind: 'failed'; readonly why: string; readonly afterMs: number | null }
  /** It will never be accepted. */
  | { readonly kind: 'rejected'; readonly why: string };

/** How much of an answer is searched for the word that says what was wrong. */
const ANSWER_BYTES = 200;
const LONGEST_RETRY_AFTER_MS = 900_000;
/** Statuses of temporary errors: time-out, too early, too many. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);

/** Posts JSON to an address once. It never throws, never names the address, and follows no redirect. */
export async function post(address: string, body: string, signal: AbortSignal): Promise<PostResult> {
  try {
    const { url, headers } = withLogin(address);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
      body,
      redirect: 'manual',
      signal,
    });
    return await resultOf(response);
  } catch (error) {
    return { kind: 'failed', why: reasonOf(error, signal), afterMs: null };
  }
}

/** Moves a name and a password out of the address, since `fetch` accepts no address with them. */
function withLogin(address: string): { url: URL; headers: Record<string, string> } {
  const url = new URL(address);
  const { username, password } = url;
  if (username === '' && password === '') return { url, headers: {} };
  url.username = url.password = '';
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { url, headers: { authorization: `Basic ${login.toString('base64')}` } };
}

async function resultOf(response: Response): Promise<PostResult> {
  const { status } = response;
  if (response.ok) {
    // The body does not matter, and may be endless.
    void response.body?.cancel().catch(() => undefined);
    return { kind: 'accepted' };
  }
  const word = await firstWord(response);
  const why = `HTTP ${status}${word === '' ? '' : ` ${word}`}`;
  if (status >= 500 || TEMPORARY.has(status))
    return { kind: 'failed', why, afterMs: retryAfter(response.headers.get('retry-after')) };
  if (status >= 300 && status < 400)
    return { kind: 'rejected', why: `${why}, a redirect, which is not followed` };
  return { kind: 'rejected', why };
}

/** Reads an answer of one word, as Slack's `no_service`; a longer answer is a page for people. */
async function firstWord({ body }: Response): Promise<string> {
  const reader = (body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return '';
  try {
    const { value } = await reader.read();
    const text = Buffer.from(value?.subarray(0, ANSWER_BYTES) ?? []).toString('latin1');
    return /^\s*([a-z_]{1,60})\s*$/.exec(text)?.[1] ?? '';
  } catch {
    return '';
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS) : null;
}

/** The error code of what failed. A message is not used, since it could name the address. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return 'the connection failed';
}
