import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter, type SplitLine } from '../../../../src/domain/text/line-splitter.ts';
import { parseStreamLine } from '../../../../src/worker/claude/stream-json.ts';
import { Transcript } from '../../../../src/worker/claude/transcript.ts';
import { cases } from '../../../rig/effort.ts';

function split(chunks: readonly Buffer[], maxBytes?: number): SplitLine[] {
  const found: SplitLine[] = [];
  const splitter = new LineSplitter((line) => found.push(line), maxBytes);
  for (const chunk of chunks) {
    splitter.push(chunk);
    // The reader reuses the same chunk.
    chunk.fill(0x2a);
  }
  splitter.end();
  return found;
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((one) => one % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => Buffer.from(bytes.subarray(at[index], end)));
}

/** Bytes in which line feeds, JSON and invalid UTF-8 are frequent. */
const bytes = fc
  .array(
    fc.oneof(
      fc.constant(Buffer.from('\n')),
      fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(`${text}\n`)),
      fc.constant(Buffer.from('{"type":"result","is_error":true}\n')),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));
const cuts = fc.array(fc.nat(), { maxLength: 8 });

describe('the line splitter', () => {
  test('gives the same lines however the bytes arrive', () => {
    fc.assert(
      fc.property(bytes, cuts, (all, where) => {
        const whole = split([Buffer.from(all)]);
        expect(split(cut(all, where))).toEqual(whole);
        const text = whole.map((line) => (line.kind === 'line' ? line.bytes.toString('latin1') : '?'));
        const expected = all.toString('latin1').split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(text).toEqual(expected);
      }),
      { numRuns: cases(10_000) },
    );
  });

  test('drops lines over the bound, says how long they were, and keeps those around them', () => {
    fc.assert(
      fc.property(bytes, cuts, (all, where) => {
        const free = split([Buffer.from(all)]);
        const bounded = split(cut(all, where), 10);
        expect(bounded).toEqual(
          free.map((line) =>
            line.kind === 'line' && line.bytes.length > 10
              ? { kind: 'oversized', byteLength: line.bytes.length }
              : line,
          ),
        );
      }),
      { numRuns: cases(3000) },
    );
  });
});

describe('the parser', () => {
  const known = fc.constantFrom(
    ...['system', 'assistant', 'result', 'stream_event', 'rate_limit_event', 'tool_progress', 'user'],
  );
  const anything = fc.anything({ maxDepth: 3, withNullPrototype: false });
  /** Lines that look like the CLI's, with anything in their fields. */
  const alike = fc
    .record(
      {
        type: known,
        subtype: fc.constantFrom('init', 'api_retry', 'success', 'error_max_turns'),
        message: fc.oneof(
          anything,
          fc.record({ id: anything, model: anything, content: fc.array(anything), usage: anything }),
        ),
        event: fc.oneof(
          anything,
          fc.record({
            type: fc.constantFrom('message_start', 'message_delta'),
            message: anything,
            usage: anything,
          }),
        ),
        rate_limit_info: anything,
        is_error: anything,
        result: anything,
        errors: anything,
        structured_output: anything,
        modelUsage: anything,
        model_usage_since_last_result: anything,
        permission_denials: anything,
        api_error_status: anything,
      },
      { requiredKeys: ['type'] },
    )
    .map((value) =>
      Buffer.from(JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? 1 : field))),
    );

  test('never throws, and never loses a result over a field it does not understand', () => {
    fc.assert(
      fc.property(fc.oneof(alike, bytes), (line) => {
        const transcript = new Transcript(false);
        const entry = transcript.add({ kind: 'line', bytes: line });
        transcript.facts();
        if (line.toString().startsWith('{"type":"result"') && isJson(line)) expect(entry.kind).toBe('result');
      }),
      { numRuns: cases(10_000) },
    );
  });

  test.each([
    ['not JSON', 'hello', 'garbage'],
    ['half a line', '{"type":"resul', 'garbage'],
    ['an array', '[1]', 'garbage'],
    ['null', 'null', 'garbage'],
    ['an empty line', '', 'garbage'],
    ['an unknown type', '{"type":"ui_invalidate"}', 'other'],
    ['an unknown subtype', '{"type":"system","subtype":"hook_started"}', 'other'],
    ['a text delta', '{"type":"stream_event","event":{"type":"content_block_delta"}}', 'other'],
    ['a known type of another form', '{"type":"assistant","message":"hi"}', 'other'],
    ['a result whose type comes last', '{"is_error":false,"type":"result"}', 'result'],
    ['a result with nothing else', '{"type":"result"}', 'result'],
  ])('takes %s as what it is', (_, line, kind) => {
    expect(parseStreamLine(Buffer.from(line)).kind).toBe(kind);
  });

  test('replaces invalid UTF-8', () => {
    const line = Buffer.concat([
      Buffer.from('{"type":"result","result":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expect(parseStreamLine(line)).toMatchObject({ line: { result: '\ufffd' } });
  });
});

function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString());
    return true;
  } catch {
    return false;
  }
}
