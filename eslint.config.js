import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const PORTS = [
  'manager/manager',
  'worker/worker',
  'workspace/workspace',
  'store/store',
  'reporting/reporter',
  'usage/ledger',
].map((name) => `./src/${name}.ts`);
const ADAPTERS = ['manager', 'worker', 'workspace', 'store', 'reporting', 'simulator', 'usage'].map(
  (name) => `./src/${name}`,
);

/** The layers: domain <- ports <- engine; adapters see domain and ports, never the engine; nobody sees cli. */
const zones = [
  {
    target: './src/domain',
    from: './src',
    except: ['./domain'],
    message: 'The domain imports nothing but the domain.',
  },
  {
    target: PORTS,
    from: ['./src/cli', './src/app', './src/engine'],
    message: 'A port sees the domain and other ports only.',
  },
  {
    target: './src/engine',
    from: ['./src/cli', './src/app'],
    message: 'The engine never sees what puts it together.',
  },
  ...ADAPTERS.map((folder) => ({
    target: folder,
    from: ['./src/cli', './src/app', './src/engine'],
    message: 'An adapter sees domain, ports and third parties, never the engine or what puts it together.',
  })),
];

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { 'import-x': importX },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**', 'src/simulator/stand-in-worker.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'Only src/cli reads process.*; take what you need as a parameter.' },
      ],
    },
  },
  { files: ['bench/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);
