import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor, redactValue } from '../../../src/domain/redact.ts';
import { cases } from '../../rig/effort.ts';

const bare = createRedactor([]);

/** Secrets as people and services make them; a mark is none of their characters. */
const secret = fc
  .oneof(
    fc.stringMatching(/^[A-Za-z0-9_\-+/=.~!@#$%^&*()"'\\:;,<>?| ]{8,60}$/),
    fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme' }),
    fc.base64String({ minLength: 12, maxLength: 80 }),
  )
  .map((text) => text.trim())
  .filter((text) => text.length >= 8 && !text.includes('…') && !/^https?:\/\//i.test(text));
const text = fc.string({ maxLength: 200, unit: 'grapheme' });

const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (value) => value,
  'for an address': (value) => encodeURIComponent(value),
  'as a form': (value) => new URLSearchParams({ v: value }).toString().slice(2),
  'as JSON': (value) => JSON.stringify(value).slice(1, -1),
  'as JSON in JSON': (value) => JSON.stringify(JSON.stringify(value)).slice(3, -3),
  'as base64': (value) => Buffer.from(value).toString('base64').replace(/=+$/, ''),
  'as base64url': (value) => Buffer.from(value).toString('base64url'),
};

describe('a known secret', () => {
  it.each(Object.entries(ENCODINGS))('never survives in any text, written %s', (_name, encode) => {
    fc.assert(
      fc.property(secret, text, text, (value, before, after) => {
        const redacted = createRedactor([value])(`${before}${encode(value)}${after}`);
        expect(redacted).not.toContain(encode(value));
        expect(redacted).not.toContain(value);
      }),
      { numRuns: cases(1000) },
    );
  });

  it('never survives inside a longer text in base64', () => {
    fc.assert(
      fc.property(secret, text, text, (value, before, after) => {
        const encoded = Buffer.from(before + value + after).toString('base64');
        const redacted = createRedactor([value])(encoded);
        expect(Buffer.from(redacted.replace(/….{0,4}/, ''), 'base64').includes(value)).toBe(false);
        expect(redacted).not.toBe(encoded);
      }),
      { numRuns: cases(1000) },
    );
  });

  it('never survives beside others, even in parts', () => {
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 6 }),
        fc.array(text, { maxLength: 6 }),
        (values, texts) => {
          const redacted = createRedactor(values)(
            values.map((value, index) => `${texts[index] ?? ''}${value}`).join(''),
          );
          for (const value of values) expect(redacted).not.toContain(value);
        },
      ),
      { numRuns: cases(1000) },
    );
  });

  it('shows its last four characters where enough is hidden', () => {
    expect(createRedactor(['abcdefghijklmnop'])('x abcdefghijklmnop y')).toBe('x …mnop y');
    expect(createRedactor(['hunter2hunter2'])('x hunter2hunter2 y')).toBe('x … y');
    expect(createRedactor(['short'])('a short one')).toBe('a short one');
  });

  it('is the part after the host where it is an address', () => {
    const redact = createRedactor(['https://hooks.example.com/in/0a9f8e7d6c5b4a']);
    expect(redact('POST https://hooks.example.com/in/0a9f8e7d6c5b4a failed')).toBe(
      'POST https://hooks.example.com/…5b4a failed',
    );
    expect(redact('path: /in/0a9f8e7d6c5b4a')).toBe('path: /…5b4a');
    expect(createRedactor(['https://s3cr3t.example.com'])('to https://s3cr3t.example.com')).toBe('to …');
  });
});

/** A part of a secret with this length that ends in `tail`. */
const filler = (length: number): string => `${'Zy9'.repeat(length).slice(0, length - 4)}tail`;

describe('a secret that nobody has named', () => {
  it.each([
    [`key sk-ant-api03-${filler(90)}-w1AA!`, 'key sk-ant-…w1AA!'],
    [`sk-ant-oat01-${filler(20)}`, 'sk-ant-…tail'],
    [`{"Authorization":"Bearer ${filler(20)}"}`, '{"Authorization":"Bearer …tail"}'],
    ['curl -H "authorization: Basic dXNlcjpwYXNz" x', 'curl -H "authorization: Basic …" x'],
    [`Authorization: ${filler(24)}`, 'Authorization: …tail'],
    [`-H 'x-api-key: ${filler(30)}'`, "-H 'x-api-key: …tail'"],
    [`{\\"X-Api-Key\\":\\"${filler(30)}\\"}`, '{\\"X-Api-Key\\":\\"…tail\\"}'],
    ['https://hooks.slack.com/services/T0AB/B0CD/x1y2z3w4', 'https://hooks.slack.com/…z3w4'],
    [
      'https:\\/\\/hooks.slack.com\\/services\\/T0AB\\/B0CD\\/x1y2z3w4"',
      'https:\\/\\/hooks.slack.com\\/…z3w4"',
    ],
    ['xoxb-1234567890-abcdefghij', 'xoxb-…ghij'],
    [`ghp_${filler(36)}`, 'ghp_…tail'],
    [`github_pat_${filler(22)}_${filler(59)}`, 'github_pat_…tail'],
    ['AWS AKIAIOSFODNN7EXAMPLE id', 'AWS AKIA…MPLE id'],
    ['postgres://app:s3cr3t-pass@db:5432/x', 'postgres://app:…@db:5432/x'],
    [`git clone https://${filler(30)}@github.com/a/b`, 'git clone https://…tail@github.com/a/b'],
    ['GET /v1?token=abcdefgh12&x=1', 'GET /v1?token=…&x=1'],
    ['DB_PASSWORD=correct-horse-battery', 'DB_PASSWORD=…tery'],
    [`eyJ${filler(20)}.${filler(30)}.${filler(20)}`, 'eyJ…tail'],
    [
      `-----BEGIN RSA PRIVATE KEY-----\n${filler(64)}\n${filler(20)}==\n-----END RSA PRIVATE KEY-----\nafter`,
      '-----BEGIN RSA PRIVATE KEY-----…\nafter',
    ],
    [`"-----BEGIN PRIVATE KEY-----\\n${filler(64)}\\n${filler(64)}"`, '"-----BEGIN PRIVATE KEY-----…"'],
  ])('is known by its shape: %s', (given, redacted) => {
    expect(bare(given)).toBe(redacted);
  });

  it.each([
    'the task-execution-of-everything-2026 was risky: ask-somebody-else-about-42',
    'Basic understanding of bearer certificates',
    'the authorization: header is required here',
    'https://example.com/a?page=2&key=1',
    'git@github.com:owner/repository.git',
    'API_KEY=$ANTHROPIC_API_KEY and TOKEN=<token-of-yours>',
    'key …abcd',
    'commit 0123456789abcdef0123456789abcdef01234567',
  ])('is not seen in %s', (given) => {
    expect(bare(given)).toBe(given);
  });
});

/** Pieces of which shapes, marks and JSON are made, in any order. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'sk-ant-',
        'Bearer ',
        'Authorization: ',
        'Basic ',
        'x-api-key',
        '": "',
        '\\',
        '\\n',
        '\n',
        '"',
        "'",
        '…',
        '://',
        'a:b@',
        'https://hooks.slack.com/services/',
        'xoxb-',
        'ghp_',
        'AKIA',
        '-----BEGIN PRIVATE KEY-----',
        '-----END PRIVATE KEY-----',
        'eyJhbGciOiJI.',
        '.',
        '=',
        '?token=',
        'PASSWORD=',
        'secret-one',
        'secret-two',
        '%2F',
        '\\/',
        'u00',
        '\u{1F600}',
        ' ',
        '{',
        '}',
        ',',
      ),
      fc.stringMatching(/^[A-Za-z0-9]{1,40}$/),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''));
const redactor = createRedactor([
  'secret-one',
  'secret-two',
  'https://x.example/hook-of-mine',
  '"quoted" \\ secret',
  'né 密钥 🔑🔑',
]);

describe('redaction', () => {
  it('changes nothing the second time, and makes nothing longer', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, text), (given) => {
        const redacted = redactor(given);
        expect(redacted.length).toBeLessThanOrEqual(given.length);
        expect(redactor(redacted)).toBe(redacted);
      }),
      { numRuns: cases(4000) },
    );
  });

  it('keeps JSON valid, with the same keys and lengths', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(hostile, fc.jsonValue(), fc.array(hostile))),
        fc.constantFrom(undefined, 2),
        (value, indent) => {
          const parsed = JSON.parse(redactor(JSON.stringify(value, null, indent))) as Record<string, unknown>;
          expect(Object.keys(parsed)).toEqual(Object.keys(value));
          expect(JSON.stringify(parsed)).not.toMatch(/secret-(?:one|two)/);
        },
      ),
      { numRuns: cases(4000) },
    );
  });

  it('keeps JSON valid where a secret looks like a part of it', () => {
    const redact = createRedactor(['","b":"x', 'nabcdefg', '12345678']);
    const value = { a: 'x', b: 'x","b":"x', c: '\nabcdefg', d: 12345678, e: 'is 12345678' };
    expect(JSON.parse(redact(JSON.stringify(value)))).toEqual({ ...value, b: 'x…', e: 'is …' });
  });

  it('cuts no character in two', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, text), (given) => {
        expect(Buffer.from(redactor(given)).toString()).toBe(Buffer.from(redactor(given)).toString('utf8'));
        expect(/\p{Surrogate}/u.test(redactor(given))).toBe(/\p{Surrogate}/u.test(given));
      }),
      { numRuns: cases(2000) },
    );
  });

  it('redacts values, keeps keys and other types, and returns a value without secrets as it is', () => {
    const clean = { a: ['x', 1, null, { b: true }] };
    expect(redactValue(clean, redactor)).toBe(clean);
    expect(redactValue({ 'secret-one': ['secret-one', 2, { c: 'x secret-two' }] }, redactor)).toEqual({
      'secret-one': ['…', 2, { c: 'x …' }],
    });
    let deep: unknown = 'secret-one';
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(JSON.stringify(redactValue(deep, redactor))).not.toContain('secret');
  });

  // The time is not measured: with a pattern that backtracks, these tests would not end.
  it.each([
    'a',
    '\\',
    '-',
    ' ',
    'A_',
    'eyJaaaaaaaaa-',
    'x://aaaa:bbbbbb',
    '-----BEGIN PRIVATE KEY-----\n',
    'sk-ant-',
    'KEY',
    'x-a-',
    'hooks.slack.com/',
    '?token=1',
    '://aaaaaaaaaaaaaaaaaaaaaaaa',
    'sk-ant-aaaaaaaaaaaaaaaa',
    'secret-on',
    'authorization:',
    '-----BEGIN PRIVATE KEY-----\nAAAA\n',
    '%25',
    'bearer ',
  ])('takes time by the length only: %j again and again', (piece) => {
    redactor(piece.repeat(Math.ceil(1_000_000 / piece.length)));
  });

  it('takes a key of a megabyte', () => {
    for (const beginning of [
      'sk-ant-',
      'eyJhbGciOiJI.',
      'Bearer ',
      'TOKEN=',
      'https://hooks.slack.com/',
      '-----BEGIN PRIVATE KEY-----\n',
    ])
      expect(redactor(beginning + 'A1'.repeat(500_000)).length).toBeLessThan(1_000_000);
  });
});
