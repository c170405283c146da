import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { channelReceiver, type ChannelOptions } from '../../../../src/reporting/notify/channel.ts';
import type { Receiver } from '../../../../src/reporting/notify/notice.ts';
import { post } from '../../../../src/reporting/notify/post.ts';
import { webhookChannel } from '../../../../src/reporting/notify/webhook.ts';
import { endless, FailingServer, hang, reset, status, type Answer } from '../../../rig/failing-server.ts';
import { notice } from '../../../rig/notices.ts';

/** Waits are short; limits are there to end a hang. */
const QUICK = {
  requestMs: 2000,
  pauseMs: 1,
  firstRetryMs: 5,
  longestRetryMs: 20,
  closeMs: 60_000,
  lastRequestMs: 10_000,
};

function receiver(address: string, limits: ChannelOptions['limits'] = {}): Receiver & { warnings: string[] } {
  const warnings: string[] = [];
  const made = channelReceiver(webhookChannel(address), {
    project: 'shop',
    runId: 'r-1',
    warn: (message) => warnings.push(message),
    random: Math.random,
    limits: { ...QUICK, ...limits },
  });
  return { ...made, warnings };
}

const urgent = (id: number) => notice(id, { urgent: true });

interface Message {
  readonly dropped: number;
  readonly notices: readonly { readonly id: number }[];
}

function messages(server: FailingServer): Message[] {
  return server.bodies.map((body) => JSON.parse(body) as Message);
}

const idsOf = (all: readonly Message[]): number[] =>
  all.flatMap(({ notices }) => notices.map(({ id }) => id));

test('what comes together goes out together, and what waits at the end is sent', async () => {
  await using server = await FailingServer.start();
  const channel = receiver(server.url);
  for (let id = 1; id <= 50; id++) channel.notify(notice(id));
  await channel.close();
  expect(messages(server)).toHaveLength(1);
  expect(idsOf(messages(server))).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  expect(server.headers[0]?.['content-type']).toMatch(/^application\/json/);
  expect(channel.warnings).toEqual([]);
});

test('an urgent one goes at once, with what waits', async () => {
  await using server = await FailingServer.start();
  const channel = receiver(server.url);
  channel.notify(notice(1));
  channel.notify(urgent(2));
  await server.received(1);
  expect(idsOf(messages(server))).toEqual([1, 2]);
  await channel.close();
  expect(server.bodies).toHaveLength(1);
});

test.each<[string, Answer]>([
  ['500', status(500)],
  ['503 with a page', status(503, '<html>'.repeat(10_000))],
  ['429', status(429, '', { 'retry-after': '0' })],
  ['429 with a date', status(429, '', { 'retry-after': new Date(0).toUTCString() })],
  ['429 with nonsense', status(429, '', { 'retry-after': 'soon' })],
  ['a reset', reset],
  ['no answer', hang],
  ['an endless 500', endless(500)],
])('after %s it is sent again, in order, with what came meanwhile', async (_name, answer) => {
  await using server = await FailingServer.start();
  server.answers.push(answer, answer);
  const channel = receiver(server.url);
  channel.notify(urgent(1));
  await server.received(1);
  channel.notify(notice(2));
  await server.received(3);
  await channel.close();
  // The first time both failed, so that only what came last is sure to have been taken.
  const taken = messages(server).slice(2);
  expect(idsOf(taken)).toEqual([1, 2]);
  expect(channel.warnings).toEqual([]);
});

test.each<[string, Answer, string]>([
  ['404', status(404, 'no_service'), 'HTTP 404 no_service'],
  ['403 with a page', status(403, '<html>SECRET</html>'), 'HTTP 403.'],
  ['an endless 400', endless(400), 'HTTP 400.'],
  [
    'a redirect',
    status(302, '', { location: 'http://127.0.0.1:9/elsewhere' }),
    'a redirect, which is not followed',
  ],
])(
  'after %s it is not sent again, told once, and counted in the next message',
  async (_name, answer, said) => {
    await using server = await FailingServer.start();
    server.answers.push(answer, answer);
    const channel = receiver(server.url);
    for (let id = 1; id <= 3; id++) {
      channel.notify(urgent(id));
      await server.received(id);
    }
    await channel.close();
    expect(server.bodies).toHaveLength(3);
    expect(messages(server).at(-1)).toMatchObject({ dropped: 2, notices: [{ id: 3 }] });
    expect(channel.warnings).toHaveLength(1);
    expect(channel.warnings[0]).toContain(said);
    expect(channel.warnings[0]).toContain('NOTIFY_WEBHOOK_URL');
    expect(channel.warnings[0]).not.toContain('SECRET');
  },
);

test.each<[string, Answer]>([
  ['answers 500 forever', status(500)],
  ['never answers', hang],
  ['resets every connection', reset],
  ['asks for patience', status(429, '', { 'retry-after': '3600' })],
])('a server that %s ends nothing: what is left is counted', async (_name, answer) => {
  await using server = await FailingServer.start();
  server.otherwise = answer;
  const channel = receiver(server.url, { requestMs: 300, lastRequestMs: 100, closeMs: 1000 });
  for (let id = 1; id <= 7; id++) channel.notify(urgent(id));
  await server.received(1);
  await channel.close();
  expect(channel.warnings.at(-1)).toContain('did not get 7 of the notices');
  expect(channel.warnings.filter((warning) => warning.includes('cannot be reached')).length).toBeLessThan(2);
});

test('ten thousand notices for a server that hangs take no more room than two hundred', async () => {
  await using server = await FailingServer.start();
  server.otherwise = hang;
  const channel = receiver(server.url, { requestMs: 60_000, lastRequestMs: 200 });
  channel.notify(urgent(0));
  await server.received(1);
  for (let id = 1; id <= 10_000; id++) channel.notify(notice(id));
  server.otherwise = status(200);
  await channel.close();
  const taken = messages(server).slice(1);
  const ids = idsOf(taken);
  const dropped = taken.reduce((sum, message) => sum + message.dropped, 0);
  expect(ids.length).toBeLessThanOrEqual(200);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  // Number 0 was on its way, and is told after all.
  expect(ids.length + dropped).toBe(10_001);
  expect(ids.at(-1)).toBe(10_000);
});

test.each([
  ['nobody listens', async () => `http://127.0.0.1:${await unusedPort()}/SECRET`],
  ['the name is unknown', () => Promise.resolve('http://no-such-host.invalid/SECRET')],
  ['the address cannot be used', () => Promise.resolve('http://127.0.0.1:1/%zz?SECRET')],
])('where %s, it is told without the address', async (_name, address) => {
  const channel = receiver(await address(), { closeMs: 1000 });
  channel.notify(urgent(1));
  await channel.close();
  expect(channel.warnings.at(-1)).toContain('of the notices');
  expect(channel.warnings.join()).not.toContain('SECRET');
});

test('TLS that is none is a failure like others', async () => {
  await using server = await FailingServer.start();
  const posted = await post(`https://127.0.0.1:${server.port}/SECRET`, '{}', new AbortController().signal);
  expect(posted.kind).toBe('failed');
  expect(JSON.stringify(posted)).not.toContain('SECRET');
});

test('a name and a password in the address go where they belong', async () => {
  await using server = await FailingServer.start();
  const address = `http://me:w%40rd@127.0.0.1:${server.port}/hook`;
  expect(await post(address, '{}', new AbortController().signal)).toEqual({ kind: 'accepted' });
  expect(server.headers[0]?.authorization).toBe(`Basic ${Buffer.from('me:w@rd').toString('base64')}`);
});

test('an endless answer that says yes is a yes', async () => {
  await using server = await FailingServer.start();
  server.otherwise = endless(200);
  expect(await post(server.url, '{}', new AbortController().signal)).toEqual({ kind: 'accepted' });
});

test('a server that is told to wait by 429 is not asked before', async () => {
  await using server = await FailingServer.start();
  server.answers.push(status(429, '', { 'retry-after': '1' }));
  const times: number[] = [];
  server.otherwise = (response) => {
    times.push(performance.now());
    status(200)(response, response.req);
  };
  const channel = receiver(server.url);
  const begun = performance.now();
  channel.notify(urgent(1));
  await server.received(2);
  expect((times[0] ?? 0) - begun).toBeGreaterThanOrEqual(990);
  await channel.close();
});

/** A port on which nobody listens any more. */
async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
