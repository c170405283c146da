import type { SourceDocument } from './store.ts';
import type { StoreContext } from './task-status.ts';

/** The documents that tasks of this list were made of. */
export function readDocuments({ db, tag }: StoreContext): SourceDocument[] {
  return db.sql<SourceDocument>('SELECT path, digest FROM documents WHERE tag = ? ORDER BY id').all(tag);
}

/** Remembers what tasks were made of; what they took the place of is forgotten with `replace`. */
export function rememberDocuments(
  { db, tag, log }: StoreContext,
  documents: readonly SourceDocument[],
  replace: boolean,
): void {
  if (replace) db.sql('DELETE FROM documents WHERE tag = ?').run(tag);
  const insert = db.sql('INSERT INTO documents (tag, path, digest, parsed_at) VALUES (?, ?, ?, ?)');
  for (const { path, digest } of documents) insert.run(tag, path, digest, log.now());
}
