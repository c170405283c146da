import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from '../src/app/config/schema.ts';
import { computeListPrice } from '../src/domain/pricing.ts';
import { buildArguments, LEAN_ENVIRONMENT } from '../src/worker/claude/command.ts';
import { buildFirstPrompt, buildRules } from '../src/worker/claude/prompt.ts';
import { REPORT_JSON_SCHEMA } from '../src/worker/claude/report.ts';
import { Git } from '../src/workspace/git/git.ts';
import { makeTask } from '../tests/rig/arbitrary-tasks.ts';
import { cacheOrder, likeness } from '../tests/rig/request-bytes.ts';
import { simulatorRig } from '../tests/rig/simulator.ts';
import { workerRig } from '../tests/rig/worker-rig.ts';

// What the workers of one run send to the API: how much, how much of it is the same, and what that costs.
const WORKERS = 6;
const TURNS = 30;
const MODEL = 'claude-sonnet-5-5';
/** What a turn answers, in tokens; the same for both. */
const OUTPUT = 300;
const VERIFY = ['npm test', 'npm run lint'];
const report = { status: 'completed', summary: 'Did it.', handover: 'It is there.', followUps: [] };
const look = { tools: [{ name: 'Bash', input: { command: 'cat notes.txt' } }] };

/** How a worker is called: its arguments, its environment, its prompt. */
type Call = (number: number, directory: string) => { args: string[]; env: object; prompt: string };

const api = await simulatorRig({
  rules: [
    {
      when: { contains: 'take your time' },
      turns: [...Array.from({ length: TURNS - 1 }, () => look), { json: report }],
    },
    { when: {}, reply: { json: report } },
  ],
});
const rig = await workerRig();
const { tools } = configSchema.parse({}).claude_cli;

const ours: Call = (number, directory) => {
  const { rules, prompt } = texts(number, directory);
  const attempt = {
    sessionId: `0d9f5f0e-6c1f-4b55-9f0e-${String(number).padStart(12, '0')}`,
    forkedFrom: null,
    model: 'sonnet',
  };
  const settings = { ...rig.claude, commandArguments: [], tools };
  return {
    args: buildArguments(settings, attempt, { resume: false, maxCostUsd: null, rules }),
    env: LEAN_ENVIRONMENT,
    prompt,
  };
};
/** All tools and sections that the CLI has by itself, and our rules at the head of the prompt. */
const plain: Call = (number, directory) => {
  const { rules, prompt } = texts(number, directory);
  const args = [
    '--model=sonnet',
    '--permission-mode=acceptEdits',
    '--setting-sources=user',
    '--strict-mcp-config',
  ];
  return { args: [...args, `--json-schema=${REPORT_JSON_SCHEMA}`], env: {}, prompt: `${rules}\n\n${prompt}` };
};

try {
  console.log('requests of a worker      first, KB  common prefix  of what could be  a task of 30 turns');
  for (const [name, call] of [
    ["with the CLI's defaults", plain],
    ['as a run sends them', ours],
  ] as const) {
    const first: string[] = [];
    for (let number = 1; number <= WORKERS; number++)
      first.push((await requests(name, call, number))[0] ?? '');
    const { prefix, possible } = likeness(first);
    const dollars = cost(await requests(name, call, 100), first[0] ?? '');
    const size = Buffer.byteLength(first[0] ?? '');
    console.log(
      `${name.padEnd(24)}  ${(size / 1024).toFixed(1).padStart(9)}  ${((100 * prefix) / size).toFixed(1).padStart(11)} %  ` +
        `${((100 * prefix) / possible).toFixed(1).padStart(14)} %  $${dollars.toFixed(4)}`,
    );
  }
  console.log('promised: at most 24 KB, and 95 % of what could be common');
} finally {
  await api.close();
  await rig.close();
}

function texts(number: number, directory: string): { rules: string; prompt: string } {
  const environment = { ORCHESTRATOR_PORT_BASE: String(20_000 + 10 * number) };
  const workspace = { directory, environment, branch: `orchestrator/${number}`, base: null, inherited: '' };
  const description = number < 100 ? `Write part ${number}.` : 'Write the rest, and take your time.';
  const task = makeTask(String(number), {
    title: `Part ${number}`,
    description,
    touches: [`src/${number}/**`],
  });
  return {
    rules: buildRules(workspace, VERIFY),
    prompt: buildFirstPrompt(rig.assignment({ task }), workspace),
  };
}

/** All requests of one worker, in a worktree of its own. */
async function requests(name: string, call: Call, number: number): Promise<string[]> {
  const directory = join(api.cwd, name.replaceAll(/\W/g, '-'), String(number));
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'notes.txt'), 'What there is to know of it.\n'.repeat(50));
  writeFileSync(join(directory, `${number}.txt`), 'x');
  await new Git(directory, api.env).run(['init', '-q']);
  const before = api.simulator.requests.length;
  const { args, env, prompt } = call(number, directory);
  const ended = await api.claude(prompt, args, { cwd: directory, env: { ...env } });
  if (ended.exitCode !== 0) throw new Error(`The CLI ended with ${String(ended.exitCode)}: ${ended.stderr}`);
  return api.simulator.requests.slice(before).map(({ body }) => body);
}

/** At list prices and four bytes a token, beside a run's other workers: what was sent before is read from the cache. */
function cost(bodies: readonly string[], neighbour: string): number {
  let known = neighbour;
  return bodies.reduce((sum, body) => {
    const whole = cacheOrder(body).reduce((bytes, line) => bytes + Buffer.byteLength(line) + 1, 0);
    const cacheRead = Math.round(likeness([body, known]).prefix / 4);
    known = body;
    const cacheWrite = Math.round(whole / 4) - cacheRead;
    return (
      sum +
      computeListPrice(MODEL, {
        input: 0,
        output: OUTPUT,
        cacheRead,
        cacheWrite,
        cacheWrite1h: 0,
        webSearches: 0,
      })
    );
  }, 0);
}
