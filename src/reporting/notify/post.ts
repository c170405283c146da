/** What became of a message that was sent. */
export type Posted =
  | { readonly kind: 'taken' }
  /** It may be taken later: not before `afterMs`, where the server said so. */
  | { readonly kind: 'failed'; readonly why: string; readonly afterMs: number | null }
  /** It never will be. */
  | { readonly kind: 'refused'; readonly why: string };

/** So much of an answer is looked at for the word that says what was wrong. */
const ANSWER_BYTES = 200;
const LONGEST_RETRY_AFTER_MS = 900_000;
/** Refusals that pass by themselves: time-out, too early, too many. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** Posts JSON to an address once; never throws, and never names the address. A redirect is not followed. */
export async function post(address: string, body: string, signal: AbortSignal): Promise<Posted> {
  try {
    const { url, headers } = withLogin(address);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
      body,
      redirect: 'manual',
      signal,
    });
    return await judge(response);
  } catch (error) {
    return { kind: 'failed', why: reasonOf(error, signal), afterMs: null };
  }
}

/** `fetch` takes no address with a name and a password in it. */
function withLogin(address: string): { url: URL; headers: Record<string, string> } {
  const url = new URL(address);
  const { username, password } = url;
  if (username === '' && password === '') return { url, headers: {} };
  url.username = url.password = '';
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { url, headers: { authorization: `Basic ${login.toString('base64')}` } };
}

async function judge(response: Response): Promise<Posted> {
  const { status } = response;
  if (response.ok) {
    // What it says is not of interest, and may have no end.
    void response.body?.cancel().catch(() => undefined);
    return { kind: 'taken' };
  }
  const word = await firstWord(response);
  const why = `HTTP ${status}${word === '' ? '' : ` ${word}`}`;
  if (status >= 500 || PASSING.has(status))
    return { kind: 'failed', why, afterMs: retryAfter(response.headers.get('retry-after')) };
  if (status >= 300 && status < 400)
    return { kind: 'refused', why: `${why}, a redirect, which is not followed` };
  return { kind: 'refused', why };
}

/** Slack answers with one word such as `no_service`; anything longer is a page for people. */
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

/** The code of what failed beneath; a message could name the address. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return 'the connection failed';
}
