import type { TaskDraft } from '../src/domain/task.ts';

/** A layered graph of `count` tasks: each needs up to two of the fifty before it, chosen by a fixed sequence. */
export function manyDrafts(count: number): TaskDraft[] {
  let state = 42;
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return Array.from({ length: count }, (_, index) => {
    const links = [random(), random()].map((part) => index - Math.floor(part * 50)).filter((id) => id >= 1);
    return {
      id: String(index + 1),
      title: `Do part ${index + 1} of the work`,
      description: 'A task of a benchmark.',
      details: '',
      testStrategy: '',
      priority: 'medium',
      dependencies: [...new Set(links)].map(String),
      size: 'S',
      estimateMinutes: 1 + (index % 7),
      touches: [],
      risk: null,
    };
  });
}
