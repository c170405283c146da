import { parentOf, type Task, type TaskId } from '../domain/task.ts';

/** What is drawn of a task. */
type DrawnTask = Pick<Task, 'id' | 'title' | 'status' | 'dependencies'>;

/** GitHub draws no diagram with more edges or more characters than this. */
const GITHUB_LIMITS = { edges: 500, characters: 50_000 };

const MAX_LABEL = 60;

/** A diagram of the tasks as a fenced block that GitHub renders; `tooLarge` says why GitHub would refuse it. */
export function drawMermaid(
  tasks: readonly DrawnTask[],
  critical: readonly TaskId[],
): { text: string; tooLarge: string | undefined } {
  const lines = ['flowchart LR'];
  const subtasksOf = new Map<TaskId, DrawnTask[]>();
  for (const task of tasks) {
    const parent = parentOf(task.id);
    if (parent === undefined) continue;
    const subtasks = subtasksOf.get(parent);
    if (subtasks === undefined) subtasksOf.set(parent, [task]);
    else subtasks.push(task);
  }
  for (const task of tasks) {
    if (parentOf(task.id) !== undefined) continue;
    const subtasks = subtasksOf.get(task.id);
    if (subtasks === undefined) lines.push(`  ${node(task)}`);
    else {
      lines.push(`  subgraph ${name(task.id)}["${label(task)}"]`);
      for (const subtask of subtasks) lines.push(`    ${node(subtask)}`);
      lines.push('  end');
    }
  }
  const steps = new Set(critical.flatMap((id, index) => stepsBetween(critical[index - 1], id)));
  let edges = 0;
  for (const task of tasks) {
    for (const need of new Set(task.dependencies)) {
      edges++;
      lines.push(`  ${name(need)} ${steps.has(`${need} ${task.id}`) ? '==>' : '-->'} ${name(task.id)}`);
    }
  }
  lines.push(
    '  classDef done fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
    '  classDef active fill:#fff8c5,stroke:#9a6700,color:#1f2328',
    '  classDef failed fill:#ffebe9,stroke:#cf222e,color:#1f2328',
    '  classDef aside fill:#f6f8fa,stroke:#818b98,color:#59636e',
  );
  const text = lines.join('\n');
  return { text: `\`\`\`mermaid\n${text}\n\`\`\``, tooLarge: excess(edges, text.length) };
}

/** The arrows that a step of the critical path can follow: a group's stand for its subtasks'. */
function stepsBetween(from: TaskId | undefined, to: TaskId): string[] {
  if (from === undefined) return [];
  return [from, parentOf(from)].flatMap((start) => [to, parentOf(to)].map((end) => `${start} ${end}`));
}

function node(task: DrawnTask): string {
  const style = CLASSES[task.status];
  return `${name(task.id)}["${label(task)}"]${style === undefined ? '' : `:::${style}`}`;
}

const CLASSES: Readonly<Partial<Record<Task['status'], string>>> = {
  done: 'done',
  'in-progress': 'active',
  review: 'active',
  failed: 'failed',
  deferred: 'aside',
  cancelled: 'aside',
};

/** A prefix keeps ids from being one of the words of the language. */
function name(id: TaskId): string {
  return `t${id.replace('.', '_')}`;
}

/** Everything but letters, digits and harmless signs goes out as a character code, since labels are parsed too. */
function label(task: DrawnTask): string {
  const characters = Array.from(task.title.replace(/[\s\p{C}]+/gu, ' ').trim());
  const shown = characters.length > MAX_LABEL ? [...characters.slice(0, MAX_LABEL - 1), '…'] : characters;
  const escaped = shown.map((character) =>
    /[\p{L}\p{M}\p{N} .,…]/u.test(character) ? character : `#${character.codePointAt(0) ?? 32};`,
  );
  return `${task.id} · ${escaped.join('')}`;
}

function excess(edges: number, characters: number): string | undefined {
  if (edges > GITHUB_LIMITS.edges)
    return `The diagram has ${edges} arrows; GitHub draws at most ${GITHUB_LIMITS.edges}.`;
  if (characters > GITHUB_LIMITS.characters)
    return `The diagram has ${characters} characters; GitHub draws at most ${GITHUB_LIMITS.characters}.`;
  return undefined;
}
