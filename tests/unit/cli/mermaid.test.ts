import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawMermaid } from '../../../src/cli/mermaid.ts';
import type { Task } from '../../../src/domain/task.ts';
import { cases } from '../../rig/effort.ts';

const task = (
  id: string,
  title: string,
  dependencies: string[] = [],
  status: Task['status'] = 'pending',
): Task => ({
  id,
  tag: 'master',
  title,
  description: '',
  details: '',
  testStrategy: '',
  priority: 'medium',
  status,
  dependencies,
  size: null,
  estimateMinutes: null,
  touches: [],
  risk: null,
  createdAt: '',
  updatedAt: '',
});

const NODE = /^ *(t\d+(?:_\d+)?)\["([^"`[\](){}<>\\|&]*)"\](?::::(?:done|active|failed|aside))?$/;
const SUBGRAPH = /^ *subgraph (t\d+)\["([^"`[\](){}<>\\|&]*)"\]$/;
const EDGE = /^ *(t\d+(?:_\d+)?) (?:-->|==>) (t\d+(?:_\d+)?)$/;

/** Reads the part of the language that is used here, and throws at anything else. */
function parse(text: string): {
  labels: Map<string, string>;
  edges: string[];
  groups: Map<string, string[]>;
} {
  const lines = text.split('\n');
  expect(lines.shift()).toBe('```mermaid');
  expect(lines.pop()).toBe('```');
  expect(lines.shift()).toBe('flowchart LR');
  const labels = new Map<string, string>();
  const groups = new Map<string, string[]>();
  const edges: string[] = [];
  let group: string[] | undefined;
  for (const line of lines) {
    const node = NODE.exec(line);
    const subgraph = SUBGRAPH.exec(line);
    const edge = EDGE.exec(line);
    const [, id = '', label = ''] = node ?? subgraph ?? [];
    if (node !== null || subgraph !== null) {
      expect(labels.has(id)).toBe(false);
      labels.set(
        id,
        label.replace(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))),
      );
    }
    if (subgraph !== null) groups.set(id, (group = []));
    else if (node !== null) group?.push(id);
    else if (line.trim() === 'end') group = undefined;
    else if (edge !== null) {
      const [, from = '', to = ''] = edge;
      expect(labels.has(from) && labels.has(to)).toBe(true);
      edges.push(`${from} ${to}`);
    } else expect(line).toMatch(/^ {2}classDef (done|active|failed|aside) [\w:#,]+$/);
  }
  expect(group).toBeUndefined();
  return { labels, edges, groups };
}

describe('drawMermaid', () => {
  test('nodes, groups, arrows, and the critical path in bold', () => {
    const { text, tooLarge } = drawMermaid(
      [task('1', 'A', [], 'done'), task('2', 'B', ['1']), task('2.1', 'C'), task('2.2', 'D', ['2.1'])],
      ['2.1', '2.2'],
    );
    const { labels, edges, groups } = parse(text);
    expect(labels.get('t2_1')).toBe('2.1 · C');
    expect(edges).toEqual(['t1 t2', 't2_1 t2_2']);
    expect(groups.get('t2')).toEqual(['t2_1', 't2_2']);
    expect(text).toContain('t2_1 ==> t2_2');
    expect(tooLarge).toBeUndefined();
  });

  test('any title gives a diagram, and short ones can be read back', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '"',
        '`',
        '[',
        ']',
        '{',
        '(',
        'end',
        'subgraph',
        '\n',
        '#quot;',
        '#',
        ';',
        '%%',
        '-->',
        '|',
        '1. ',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const title = fc
      .array(piece, { minLength: 1, maxLength: 8 })
      .map((pieces) => pieces.join(' '))
      .filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(title, title, (one, other) => {
        const { labels } = parse(drawMermaid([task('1', one), task('2', other, ['1'])], []).text);
        const plain = one.replace(/[\s\p{C}]+/gu, ' ').trim();
        if (Array.from(plain).length <= 60) expect(labels.get('t1')).toBe(`1 · ${plain}`);
      }),
      { numRuns: cases(5_000) },
    );
  });

  test('says when GitHub would refuse it', () => {
    const wide = Array.from({ length: 40 }, (_, index) =>
      task(
        String(index + 1),
        'x',
        Array.from({ length: index }, (_unused, need) => String(need + 1)),
      ),
    );
    expect(drawMermaid(wide, []).tooLarge).toContain('780 arrows');
  });
});
