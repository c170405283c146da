import { displayWidth, fit, truncate } from '../domain/text/display-text.ts';

/** One column of a table. The last column gets the cells that the others leave. */
export interface Column<Row> {
  readonly header: string;
  /** The plain text, free of control characters. */
  readonly text: (row: Row) => string;
  readonly style?: (shown: string, row: Row) => string;
  readonly align?: 'left' | 'right';
  /** The most cells it takes. */
  readonly max?: number;
  /** If the table is too wide, columns with the smallest number are left out first. A column without one stays. */
  readonly keep?: number;
}

/** Other columns are left out before the last one gets fewer cells than this. */
const MIN_LAST = 20;
const GAP = '  ';

/** Renders a table in lines of at most `width` cells, the header first. Columns without any text are left out. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
  header: (line: string) => string,
): string[] {
  const last = columns.at(-1);
  if (last === undefined) return [];
  const cells = new Map(columns.slice(0, -1).map((column) => [column, rows.map(column.text)]));
  const widths = new Map<Column<Row>, number>();
  /** Columns in which each character takes one cell: their texts need no second measurement. */
  const simple = new Set<Column<Row>>();
  for (const [column, texts] of cells) {
    let widest = 0;
    let isSimple = true;
    for (const text of texts) {
      const own = displayWidth(text);
      if (own > widest) widest = own;
      isSimple &&= own === text.length;
    }
    if (isSimple && widest <= (column.max ?? Infinity)) simple.add(column);
    if (widest > 0)
      widths.set(column, Math.min(column.max ?? Infinity, Math.max(widest, column.header.length)));
  }
  const taken = (): number => [...widths.values()].reduce((sum, cell) => sum + cell + GAP.length, 0);
  const droppable = [...widths.keys()]
    .filter((column) => column.keep !== undefined)
    .sort((a, b) => (a.keep ?? 0) - (b.keep ?? 0));
  for (const column of droppable) {
    if (taken() + MIN_LAST <= width) break;
    widths.delete(column);
  }

  const rest = Math.max(1, width - taken());
  const shown = [...widths].map(
    ([column, cell]) => [column, cell, cells.get(column) ?? [], simple.has(column)] as const,
  );
  const headline = [
    ...shown.map(([column, cell]) => fit(column.header, cell, column.align)),
    truncate(last.header, rest),
  ];
  const lines = [header(headline.join(GAP))];
  for (const [index, row] of rows.entries()) {
    let line = '';
    for (const [column, cell, texts, isSimple] of shown) {
      const plain = texts[index] ?? '';
      const text = isSimple && column.align !== 'right' ? plain.padEnd(cell) : fit(plain, cell, column.align);
      line += (column.style?.(text, row) ?? text) + GAP;
    }
    const text = truncate(last.text(row), rest);
    lines.push(line + (last.style?.(text, row) ?? text));
  }
  return lines;
}
