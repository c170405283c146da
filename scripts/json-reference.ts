import type { z } from 'zod';
import { failureReport } from '../src/app/contract/failure.ts';
import { runSummary } from '../src/app/contract/run-summary.ts';
import { moment, usd } from '../src/app/contract/shape.ts';
import { taskId } from '../src/app/contract/task.ts';
import { callCost, tokens } from '../src/app/contract/usage.ts';
import { webhookMessage } from '../src/app/contract/webhook.ts';
import { Shapes } from './shapes.ts';
import { loadUseCases } from './use-cases.ts';

const HEAD = `<!-- Written by \`npm run docs\` from src/app/contract/; edit that. -->

# JSON shapes

What the commands print with \`--json\`: one document on stdout, and nothing else there. Fields are only ever added; the
optional ones may be missing. Help is text. What has a name of its own is described under [Shapes](#shapes).

${[moment, usd, taskId].map(wordLine).join('\n')}

## Failures

A failure is \`{ "error": … }\`, with the exit code that the README lists. Wrong usage (an unknown option, a missing
argument) is one too, with exit code 2.
`;

/** What is printed beside the reports, and shapes that no report holds, but all fields of which. */
const OTHERS: readonly z.ZodType[] = [failureReport, webhookMessage, runSummary, callCost, tokens];

/** The text of docs/json.md: what each command prints, and every shape that is named in it. */
export async function jsonReference(): Promise<string> {
  const useCases = [...(await loadUseCases())];
  const shapes = new Shapes([...OTHERS, ...useCases.map(([, { report }]) => report)]);
  return [
    HEAD,
    shapes.describe(failureReport.shape.error),
    ...useCases.map(([name, { report, commands = [name] }]) =>
      shapes.command(`## ${commands.join(', ')}`, report),
    ),
    shapes.section('## notifications.webhook_url', webhookMessage),
    '## Shapes\n',
    ...shapes.named.map(([name, schema]) => shapes.section(`### ${name}`, schema)),
  ].join('\n');
}

function wordLine(value: z.ZodType): string {
  const { title = '', description = '' } = value.meta() ?? {};
  return `- ${title}: ${description}`;
}
