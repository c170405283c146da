import { writeFileSync } from 'node:fs';
import { configurationReference } from './configuration-reference.ts';
import { jsonReference } from './json-reference.ts';

/** Writes what in `docs/` follows from the code: `npm run docs`. */
writeFileSync('docs/configuration.md', configurationReference());
writeFileSync('docs/json.md', await jsonReference());
