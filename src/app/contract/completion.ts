import { z } from 'zod';
import { useCase } from './shape.ts';

/** What `completion` is asked. */
export const completionRequest = z.object({ shell: z.enum(['bash', 'zsh', 'fish']) });

/** What `completion` answers. */
export const completionReport = z.object({
  shell: completionRequest.shape.shell,
  script: z.string().describe('what the shell is to read'),
});
export type CompletionReport = z.infer<typeof completionReport>;

export const completionUseCase = useCase({ request: completionRequest, report: completionReport });
