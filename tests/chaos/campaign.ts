import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { checkAlways, checkEnd } from './checker.ts';
import { installTool, openLife, type KillOrder, type Life, type Run } from './life.ts';
import { RESULT, SHARED } from './scenario.ts';

/** How much is to be killed. */
export interface CampaignOptions {
  /** Chooses the moments; what the machine does meanwhile, nobody can repeat. */
  readonly seed: number;
  /** Kills at each boundary that any run comes to. */
  readonly perBoundary: number;
  /** Kills at moments by chance. */
  readonly moments: number;
  /** Repositories at the same time. */
  readonly parallel: number;
  /** Most repositories; without it as many as it takes. */
  readonly lives?: number;
  /** Most kills in one repository. */
  readonly killsALife?: number;
  /** Keeps the repository of a life in which something was wrong. */
  readonly keep?: boolean;
  readonly say?: (line: string) => void;
}

/** Something that did not hold, and all that was done to that repository before. */
interface Violation {
  readonly life: number;
  readonly root: string;
  readonly what: string;
  readonly history: readonly string[];
}

/** What a campaign came to. */
export interface CampaignResult {
  /** How often the tool was killed at each boundary. */
  readonly boundaries: ReadonlyMap<string, number>;
  readonly moments: number;
  readonly lives: number;
  readonly violations: readonly Violation[];
}

const KILLS_A_LIFE = 16;
/** So many lives of a lane in a row that came to no new boundary: what is left are names that come by chance. */
const BARREN_LIVES = 3;
/** Beyond this nothing that goes wrong is news. */
const MOST_VIOLATIONS = 20;
/** Longer than a run takes that nobody disturbs, in milliseconds, until one was measured. */
const LONG_RUN_MS = 6000;

/** Kills the tool again and again, and checks each time what has to hold. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const tool = installTool();
  const bystanders = startBystanders();
  const campaign = new Campaign(options, tool.folder);
  try {
    await Promise.all(Array.from({ length: options.parallel }, (_, lane) => campaign.work(lane)));
    return { ...campaign.result(), violations: [...campaign.violations, ...bystanders.violations()] };
  } finally {
    bystanders.end();
    tool.remove();
  }
}

class Campaign {
  readonly violations: Violation[] = [];
  readonly #options: CampaignOptions;
  readonly #tool: string;
  readonly #boundaries = new Map<string, number>();
  #moments = 0;
  #lives = 0;
  /** For each lane the ways of delivery of which a run has passed every boundary, since all were spared. */
  readonly #passed = new Set<string>();
  /** For each lane how many lives in a row have come to no new boundary. */
  readonly #barren = new Map<number, number>();
  #runMs = LONG_RUN_MS;

  constructor(options: CampaignOptions, tool: string) {
    this.#options = options;
    this.#tool = tool;
  }

  result(): Omit<CampaignResult, 'violations'> {
    return { boundaries: this.#boundaries, moments: this.#moments, lives: this.#lives };
  }

  /** Lives one life after the other until everything was killed often enough; each lane has its share of boundaries. */
  async work(lane: number): Promise<void> {
    for (let turn = 0; !this.#isOver(lane); turn++) await this.#live(lane, ++this.#lives, turn % 2 === 0);
  }

  #isOver(lane: number): boolean {
    if (this.violations.length >= MOST_VIOLATIONS) return true;
    if (this.#lives >= (this.#options.lives ?? Infinity)) return true;
    return !this.#boundariesLeft(lane) && this.#moments >= this.#options.moments;
  }

  /** Both ways of delivery have steps of their own. */
  #boundariesLeft(lane: number): boolean {
    const passed = (commits: boolean): boolean => this.#passed.has(`${lane} ${commits}`);
    if (this.#options.perBoundary === 0 || (this.#barren.get(lane) ?? 0) >= BARREN_LIVES) return false;
    return !(passed(true) && passed(false));
  }

  async #live(lane: number, number: number, commits: boolean): Promise<void> {
    const random = randomOf(this.#options.seed * 1000 + number);
    const life = await openLife(this.#tool, commits);
    const history: string[] = [];
    const found = (whats: readonly string[]): void => {
      for (const what of whats) {
        this.violations.push({ life: number, root: life.root, what, history: [...history] });
        this.#options.say?.(
          `life ${number} (${life.root}): ${what}\n    after ${history.join('\n    then ')}`,
        );
      }
    };
    const before = this.violations.length;
    const atBoundaries = this.#boundariesLeft(lane);
    let isBarren = true;
    let ended: Run | undefined;
    for (let kills = 0; ended === undefined && this.violations.length === before; kills++) {
      const order: KillOrder =
        kills >= (this.#options.killsALife ?? KILLS_A_LIFE)
          ? { kind: 'never' }
          : this.#order(random, atBoundaries ? lane : undefined);
      const began = performance.now();
      const run = await life.run(order, { intruder: random() < 0.06 });
      history.push(run.killedAt ?? `ended with ${run.exitCode ?? 'nothing'}`);
      if (run.killedAt === undefined) ended = run;
      else if (this.#count(order, run)) isBarren = false;
      if (kills === 0 && ended !== undefined) this.#runMs = performance.now() - began;
      found([...refusals(run), ...checkAlways(life.evidence)]);
      if (ended !== undefined && order.kind === 'boundary' && order.skip === 0)
        this.#passed.add(`${lane} ${commits}`);
    }
    this.#barren.set(lane, isBarren ? (this.#barren.get(lane) ?? 0) + 1 : 0);
    if (ended !== undefined && this.violations.length === before) found(judgeEnd(life, ended));
    const failed = this.violations.length > before;
    if (failed && ended !== undefined) this.#options.say?.(ended.output);
    await life.close(failed && this.#options.keep === true);
    this.#options.say?.(
      `life ${number}: ${history.length} runs; so far ${this.#boundaries.size} boundaries, ${this.#moments} moments`,
    );
  }

  #order(random: () => number, lane: number | undefined): KillOrder {
    if (lane !== undefined) {
      const spare = [...this.#boundaries]
        .filter(([, count]) => count >= this.#options.perBoundary)
        .map(([name]) => name);
      // Not always the first: the later a step comes, the more is there that could be broken.
      return {
        kind: 'boundary',
        spare,
        share: [lane, this.#options.parallel],
        skip: random() < 0.6 ? 0 : Math.floor(random() * 30),
      };
    }
    // Early ones more often: what is done does not come again, so that late ones end a life soon.
    const afterMs = Math.floor(random() ** 1.5 * this.#runMs);
    return { kind: 'moment', afterMs, everything: random() < 0.2 };
  }

  /** Whether it was a boundary that had not been killed at before. */
  #count(order: KillOrder, { killedAt = '' }: Run): boolean {
    if (order.kind === 'moment') {
      this.#moments++;
      return false;
    }
    const before = this.#boundaries.get(killedAt) ?? 0;
    this.#boundaries.set(killedAt, before + 1);
    return before === 0;
  }
}

/** I5: one run at a time, and none is kept out by a dead one. */
function refusals({ output, intruder }: Run): string[] {
  return [
    ...(output.includes('run-in-progress')
      ? ['I5: a run was refused although the one before it was killed']
      : []),
    ...(intruder === undefined || intruder.output.includes('run-in-progress')
      ? []
      : [`I5: a second run was let in beside the first one (exit code ${intruder.exitCode ?? 'none'})`]),
  ];
}

function judgeEnd(life: Life, ended: Run): string[] {
  if (ended.exitCode !== 0)
    return [`I3: \`run\` did not come to its end: exit code ${ended.exitCode ?? 'none'}`];
  const wrong = Object.entries(RESULT).filter(([path, text]) => life.landed(path) !== text);
  return [
    ...checkEnd(life.evidence, life.charged(), { commits: life.commits }),
    ...wrong.map(
      ([path]) => `I1: ${path} did not land as it was written: ${JSON.stringify(life.landed(path))}`,
    ),
    ...(SHARED.includes(life.landed('shared.txt') ?? '')
      ? []
      : ['I1: what two tasks wrote was not brought together']),
  ];
}

/** Processes that are nobody's business: one of another project's worker, and one without any mark. */
function startBystanders(): { violations: () => Violation[]; end: () => void } {
  const PATH = process.env['PATH'] ?? '';
  const environments = [{ PATH, CLAUDE_ORCHESTRATOR_ATTEMPT: 'ffffffffffffffff/1' }, { PATH }];
  // They read from this process, so that they end with it however it ends.
  const all = environments.map((env) =>
    spawn('cat', { env, stdio: ['pipe', 'ignore', 'ignore'], detached: true }),
  );
  return {
    violations: () =>
      all
        .filter(({ pid, exitCode, signalCode }) => exitCode !== null || signalCode !== null || !isCat(pid))
        .map(() => ({ life: 0, root: '', what: 'I4: a process of somebody else was ended', history: [] })),
    end: () => {
      for (const one of all) one.kill('SIGKILL');
    },
  };
}

function isCat(pid: number | undefined): boolean {
  try {
    return readFileSync(`/proc/${pid ?? 0}/cmdline`, 'latin1').startsWith('cat');
  } catch {
    return false;
  }
}

/** Numbers from 0 up to 1, the same ones for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
