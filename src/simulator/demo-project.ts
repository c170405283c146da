/** A task of the demo: what the manager plans, and what the worker writes. */
export interface DemoTask {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly dependencies: readonly string[];
  readonly size: 'S' | 'M';
  readonly estimateMinutes: number;
  readonly risk: 'low' | 'medium';
  /** The files, with path and content, in the order in which they are written. */
  readonly files: readonly (readonly [path: string, content: string])[];
  /** What the first attempt writes instead of `files`, so that the task's own test fails. */
  readonly mistake?: readonly (readonly [path: string, content: string])[];
  /** What the first attempt writes instead of `files`, so that its tests pass and the review finds something. */
  readonly flaw?: DemoFlaw;
  readonly handover: string;
}

/** A flaw that only a review finds. */
interface DemoFlaw {
  readonly files: DemoTask['files'];
  /** Text that the change contains as long as it has the flaw. */
  readonly marker: string;
  readonly summary: string;
  readonly finding: {
    readonly severity: 'major';
    readonly file: string;
    readonly line: number;
    readonly title: string;
    readonly evidence: string;
  };
}

/** The heading of the requirements. No other text that the manager gets contains it. */
export const DEMO_TITLE = 'Product requirements: textstat';

/** The requirements that the demo turns into tasks. */
export const DEMO_PRD = `# ${DEMO_TITLE}

A tiny library and command line tool that tells statistics about a text. Plain Node, no dependencies.

- Count words, in any script; an apostrophe belongs to its word.
- Count sentences.
- Estimate the reading time at 200 words a minute.
- List the most frequent words.
- Put all of it into one summary, which is right for an empty text too.
- A command \`textstat FILE\` prints the summary as JSON.
- Every part has tests that run with \`node --test\`; a README shows how to use it.
`;

const test = (name: string, imports: string, body: string): string =>
  `import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n${imports}\n\ntest('${name}', () => {\n${body}});\n`;

const summary = (average: string): string => `import { frequency } from './frequency.js';
import { readingMinutes } from './reading-time.js';
import { sentences } from './sentences.js';
import { words } from './words.js';

/** Everything there is to tell about a text. */
export function summarize(text) {
  const wordCount = words(text).length;
  const sentenceCount = sentences(text).length;
  return {
    words: wordCount,
    sentences: sentenceCount,
    wordsPerSentence: ${average},
    readingMinutes: readingMinutes(text),
    frequent: frequency(text, 3),
  };
}
`;
const summaryTest = test(
  'sums up a text, an empty one too',
  "import { summarize } from '../src/summary.js';",
  `  assert.equal(summarize('One two. Three four.').wordsPerSentence, 2);
  assert.equal(summarize('').wordsPerSentence, 0);
`,
);

const readingTime = (rounding: 'ceil' | 'round'): string => `import { words } from './words.js';

const WORDS_PER_MINUTE = 200;

/** How long it takes to read a text, in whole minutes. */
export function readingMinutes(text) {
  return Math.${rounding}(words(text).length / WORDS_PER_MINUTE);
}
`;
const readingTimeTest = (count: number): string =>
  test(
    'rounds up to whole minutes',
    "import { readingMinutes } from '../src/reading-time.js';",
    `  assert.equal(readingMinutes('word '.repeat(${count})), 2);\n  assert.equal(readingMinutes(''), 0);\n`,
  );

/** The tasks of the demo. Their dependencies form two diamonds: from 1 through 2 to 5 to 6, and from 6 to 7 and 8. */
export const DEMO_TASKS: readonly DemoTask[] = [
  {
    id: '1',
    title: 'Set up the package',
    description: 'A package.json for plain ESM with a test script, and a first test.',
    dependencies: [],
    size: 'S',
    estimateMinutes: 2,
    risk: 'low',
    files: [
      [
        'package.json',
        '{\n  "name": "textstat",\n  "version": "1.0.0",\n  "type": "module",\n  "scripts": { "test": "node --test" }\n}\n',
      ],
      [
        'test/package.test.js',
        test(
          'is an ES module',
          "import { readFileSync } from 'node:fs';",
          `  const { type } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));\n  assert.equal(type, 'module');\n`,
        ),
      ],
    ],
    handover: 'ES modules in src/, tests in test/*.test.js, run with `node --test`.',
  },
  {
    id: '2',
    title: 'Split a text into words',
    description: 'words(text) returns the words of a text in any script, in lower case.',
    dependencies: ['1'],
    size: 'S',
    estimateMinutes: 4,
    risk: 'low',
    files: [
      [
        'src/words.js',
        "/** The words of a text, in lower case; an apostrophe belongs to its word. */\nexport function words(text) {\n  return text.toLowerCase().match(/[\\p{L}\\p{N}]+(?:['’][\\p{L}\\p{N}]+)*/gu) ?? [];\n}\n",
      ],
      [
        'test/words.test.js',
        test(
          'finds words in any script',
          "import { words } from '../src/words.js';",
          `  assert.deepEqual(words("Don't панике, 世界!"), ["don't", 'панике', '世界']);\n  assert.deepEqual(words(''), []);\n`,
        ),
      ],
    ],
    handover: '`words(text)` in src/words.js returns lower-case words.',
  },
  {
    id: '3',
    title: 'Split a text into sentences',
    description: 'sentences(text) returns the sentences of a text.',
    dependencies: ['1'],
    size: 'S',
    estimateMinutes: 3,
    risk: 'low',
    files: [
      [
        'src/sentences.js',
        "/** The sentences of a text, without the white space around them. */\nexport function sentences(text) {\n  return text\n    .split(/(?<=[.!?…。！？])\\s*/u)\n    .map((sentence) => sentence.trim())\n    .filter((sentence) => sentence !== '');\n}\n",
      ],
      [
        'test/sentences.test.js',
        test(
          'splits at the ends of sentences',
          "import { sentences } from '../src/sentences.js';",
          `  assert.deepEqual(sentences('One. Two! '), ['One.', 'Two!']);\n  assert.deepEqual(sentences(' '), []);\n`,
        ),
      ],
    ],
    handover: '`sentences(text)` in src/sentences.js.',
  },
  {
    id: '4',
    title: 'Estimate the reading time',
    description: 'readingMinutes(text) at 200 words a minute, rounded up.',
    dependencies: ['2'],
    size: 'S',
    estimateMinutes: 2,
    risk: 'low',
    files: [
      ['src/reading-time.js', readingTime('ceil')],
      ['test/reading-time.test.js', readingTimeTest(201)],
    ],
    flaw: {
      files: [
        ['src/reading-time.js', readingTime('round')],
        ['test/reading-time.test.js', readingTimeTest(400)],
      ],
      marker: 'Math.round(words(text)',
      summary: 'It estimates the reading time, but rounds it down half of the time; the task says up.',
      finding: {
        severity: 'major',
        file: 'src/reading-time.js',
        line: 7,
        title: 'readingMinutes rounds to the nearest minute; the task says up',
        evidence:
          '`Math.round(words(text).length / WORDS_PER_MINUTE)` is 1 for 201 words, which take more than a minute; the test only tries 400, which leave nothing to round.',
      },
    },
    handover: '`readingMinutes(text)` in src/reading-time.js.',
  },
  {
    id: '5',
    title: 'Find the most frequent words',
    description: 'frequency(text, n) returns the n most frequent words with their counts.',
    dependencies: ['2'],
    size: 'M',
    estimateMinutes: 5,
    risk: 'low',
    files: [
      [
        'src/frequency.js',
        "import { words } from './words.js';\n\n/** The `n` most frequent words of a text, as [word, count]; the first to appear wins a tie. */\nexport function frequency(text, n) {\n  const counts = new Map();\n  for (const word of words(text)) counts.set(word, (counts.get(word) ?? 0) + 1);\n  return [...counts].sort(([, a], [, b]) => b - a).slice(0, n);\n}\n",
      ],
      [
        'test/frequency.test.js',
        test(
          'counts words',
          "import { frequency } from '../src/frequency.js';",
          `  assert.deepEqual(frequency('b a b c', 2), [['b', 2], ['a', 1]]);\n`,
        ),
      ],
    ],
    handover: '`frequency(text, n)` in src/frequency.js returns [word, count] pairs.',
  },
  {
    id: '6',
    title: 'Put the statistics into one summary',
    description: 'summarize(text) returns all statistics; it is right for an empty text too.',
    dependencies: ['3', '4', '5'],
    size: 'M',
    estimateMinutes: 6,
    risk: 'medium',
    files: [
      ['src/summary.js', summary('sentenceCount === 0 ? 0 : wordCount / sentenceCount')],
      ['test/summary.test.js', summaryTest],
    ],
    mistake: [
      ['src/summary.js', summary('wordCount / sentenceCount')],
      ['test/summary.test.js', summaryTest],
    ],
    handover: '`summarize(text)` in src/summary.js returns a plain object.',
  },
  {
    id: '7',
    title: 'Add the textstat command',
    description: 'bin/textstat.js prints the summary of a file as JSON.',
    dependencies: ['6'],
    size: 'S',
    estimateMinutes: 4,
    risk: 'low',
    files: [
      [
        'bin/textstat.js',
        "#!/usr/bin/env node\nimport { readFileSync } from 'node:fs';\nimport { argv, stdout } from 'node:process';\nimport { summarize } from '../src/summary.js';\n\nstdout.write(`${JSON.stringify(summarize(readFileSync(argv[2], 'utf8')), null, 2)}\\n`);\n",
      ],
      [
        'test/textstat.test.js',
        test(
          'prints the summary of a file',
          "import { execFileSync } from 'node:child_process';\nimport { fileURLToPath } from 'node:url';",
          `  const path = (name) => fileURLToPath(new URL(name, import.meta.url));\n  const output = execFileSync(process.execPath, [path('../bin/textstat.js'), path('../package.json')]);\n  assert.equal(typeof JSON.parse(output).words, 'number');\n`,
        ),
      ],
    ],
    handover: '`node bin/textstat.js FILE`.',
  },
  {
    id: '8',
    title: 'Write the README',
    description: 'What textstat does and how to use it, as a library and as a command.',
    dependencies: ['6'],
    size: 'S',
    estimateMinutes: 2,
    risk: 'low',
    files: [
      [
        'README.md',
        "# textstat\n\nTells statistics about a text: words, sentences, reading time, most frequent words.\n\n    node bin/textstat.js FILE\n\n```js\nimport { summarize } from './src/summary.js';\n\nsummarize('One two. Three four.').wordsPerSentence; // 2\n```\n",
      ],
    ],
    handover: '',
  },
];
