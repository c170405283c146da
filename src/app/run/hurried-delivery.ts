import type { Delivery } from '../../domain/event.ts';
import type { Workspaces } from '../../workspace/workspace.ts';

/** The same workspaces, whose delivery is given up once `hurry` aborts: a hook of the user's may hang for ever. */
export function hurriedDelivery(workspaces: Workspaces, hurry: AbortSignal): Workspaces {
  return {
    ...workspaces,
    deliver: async () => {
      const given = new AbortController();
      const hurried = new Promise<Delivery>((resolve) => {
        if (hurry.aborted) setImmediate(resolve, LEFT);
        hurry.addEventListener('abort', () => resolve(LEFT), { once: true, signal: given.signal });
      });
      try {
        return await Promise.race([workspaces.deliver(), hurried]);
      } finally {
        given.abort();
      }
    },
  };
}

const LEFT: Delivery = {
  kind: 'left',
  commit: null,
  message:
    'You did not wait for the results to be delivered. They are on the integration branch (`git for-each-ref ' +
    'refs/orchestrator/integration`); see with `git status` how far git came in your checkout.',
  commands: [],
};
