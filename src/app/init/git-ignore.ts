/** What git must never see: credentials, and the state of this machine's runs. */
export const IGNORED_LINES: readonly string[] = [
  '.env',
  '.taskmaster/tasks.db*',
  '.taskmaster/attempts/',
  '.taskmaster/logs/',
];

/**
 * A `.gitignore` with the lines that it lacks, or undefined if it lacks none. What is there stays as it is, byte by
 * byte; new lines end as those do.
 */
export function completeGitignore(
  current: Buffer,
  lines: readonly string[] = IGNORED_LINES,
): Buffer | undefined {
  // One character a byte, so that bytes that are no UTF-8 survive.
  const text = current.toString('latin1');
  const present = new Set(text.split(/\r?\n/).map(normal));
  const missing = lines.filter((line) => !present.has(normal(line)));
  if (missing.length === 0) return undefined;
  const end = /\r\n/.test(text) ? '\r\n' : '\n';
  const before = text === '' || text.endsWith('\n') ? '' : end;
  const gap = text === '' ? '' : end;
  const added = `${before}${gap}# claude-orchestrator${end}${missing.map((line) => line + end).join('')}`;
  return Buffer.concat([current, Buffer.from(added, 'latin1')]);
}

function normal(line: string): string {
  return line.trim().replace(/^\//, '').replace(/\/$/, '');
}
