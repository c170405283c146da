import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderTable, type Column } from '../../../src/cli/table.ts';
import { displayWidth, neutralise } from '../../../src/domain/text/display-text.ts';
import { cases } from '../../rig/effort.ts';

interface Row {
  readonly id: string;
  readonly note: string;
  readonly title: string;
}

const columns: Column<Row>[] = [
  { header: 'ID', text: ({ id }) => id },
  { header: 'NOTE', text: ({ note }) => note, max: 12, keep: 1 },
  { header: 'TITLE', text: ({ title }) => title },
];

const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map(neutralise);
const rows = fc.array(
  fc.record({ id: fc.integer({ min: 1, max: 99_999 }).map(String), note: text, title: text }),
  {
    minLength: 1,
    maxLength: 8,
  },
);

describe('renderTable', () => {
  it('is never wider than the terminal, in any script', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 12, max: 200 }), (content, width) => {
        const lines = renderTable(content, columns, width, (line) => line);
        expect(lines).toHaveLength(content.length + 1);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
      { numRuns: cases(2000) },
    );
  });

  it('shows every id whole, however narrow it is', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 200 }), (content, width) => {
        const lines = renderTable(content, columns, width, (line) => line).slice(1);
        for (const [index, row] of content.entries()) expect(lines[index]?.startsWith(row.id)).toBe(true);
      }),
    );
  });

  it('leaves out what matters least before the title gets too short, and columns without any text', () => {
    const row = { id: '1', note: 'a short note', title: 'A title' };
    const header = (content: Row, width: number) => renderTable([content], columns, width, (line) => line)[0];
    expect(header(row, 80)).toBe('ID  NOTE          TITLE');
    expect(header(row, 30)).toBe('ID  TITLE');
    expect(header({ ...row, note: '' }, 80)).toBe('ID  TITLE');
  });
});
