/** What may import what, over folders; type imports count. `npm run lint` holds it. */

const PORT_FOLDERS = 'manager|worker|workspace|store|usage|reporting';
/** A port is named after its folder, but for those of two: `usage/ledger.ts` and `reporting/reporter.ts`. */
const PORTS = '^src/(?:(manager|worker|workspace|store)/\\1|usage/ledger|reporting/reporter)\\.ts$';

/** Files of the folders `from` import, of ours, only files of the folders `allowed`. */
const layer = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `^src/(?:${from})/` },
  to: { path: '^src/', pathNot: `^src/(?:${allowed})/` },
});

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    layer('domain', 'domain', 'domain', 'The domain imports nothing but the domain.'),
    {
      name: 'ports',
      comment: 'A port sees the domain and other ports only.',
      severity: 'error',
      from: { path: PORTS },
      to: { path: '^src/', pathNot: ['^src/domain/', PORTS] },
    },
    layer(
      'adapters',
      PORT_FOLDERS,
      `domain|${PORT_FOLDERS}`,
      'An adapter sees the domain, ports and what it shares with other adapters, never the engine or the app.',
    ),
    layer(
      'simulator',
      'simulator',
      'domain|simulator',
      'The simulator plays the API: it sees nobody who asks it.',
    ),
    {
      name: 'engine',
      comment: 'The engine sees the domain and ports, never what stands behind a port.',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: '^src/', pathNot: ['^src/(?:domain|engine)/', PORTS] },
    },
    layer(
      'app',
      'app',
      `domain|engine|app|simulator|${PORT_FOLDERS}`,
      'The app puts all parts together and sees no skin.',
    ),
    layer('skins', 'cli', 'domain|app|cli', 'A skin sees the app and the words of the domain.'),
    {
      name: 'contract-types',
      comment: 'Only the types of a contract are imported: zod would make every command slower to start.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/app/contract/' },
      to: { path: '^src/app/contract/', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types'] },
  },
};
