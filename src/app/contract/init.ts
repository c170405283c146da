import { z } from 'zod';
import { list, useCase } from './shape.ts';

/** What `init` is asked. */
export const initRequest = z.object({
  nested: z.boolean().exactOptional().describe('make a project of its own although there is one further up'),
});
export type InitRequest = z.infer<typeof initRequest>;

const stack = z.object({
  name: z.string().describe('for people, such as `Node.js (pnpm)`'),
  evidence: z.string().describe('the file by which it was found'),
  verify: list(z.string()).describe('the commands that it proposes to prove a change with'),
  allowedTools: list(z.string()).describe(
    'the permission rules of the Claude CLI that it proposes for workers',
  ),
});
/** One tool chain of a project, with what it proposes. */
export type Stack = z.infer<typeof stack>;

/** What `init` answers. */
export const initReport = z.object({
  root: z.string().describe('the directory of the project'),
  stacks: list(stack).describe('the tool chains that were found'),
  files: list(
    z.object({
      path: z.string().describe('relative to the project'),
      action: z.enum(['written', 'completed', 'replaced', 'kept']),
      note: z.string().exactOptional().describe('missing where there is nothing to say'),
    }),
  ),
  notes: list(z.string()),
  next: z.string().describe('the command that goes on from here'),
});
export type InitReport = z.infer<typeof initReport>;

export const initUseCase = useCase({ request: initRequest, report: initReport });
