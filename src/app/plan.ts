import { redactValue } from '../domain/redact.ts';
import type { Manager } from '../manager/manager.ts';
import type { TaskStore } from '../store/store.ts';
import type { LoadedConfig } from './config/load-config.ts';
import type { PlanReport, PlanRequest } from './contract/plan.ts';
import { interruptible } from './interrupt.ts';
import { callCost } from './planning/new-tasks.ts';
import { lacksEstimates, planTasks } from './planning/plan-tasks.ts';
import { previewPlan } from './planning/preview.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import { loadSettings } from './project/settings.ts';
import type { Services } from './services.ts';
import { loadGraphBoard } from './tasks/view.ts';

/** As many workers are looked at even where fewer are configured, if there is work for them. */
const WORTH_A_LOOK = 8;

/** Shows what `run` would do. The manager is asked only for estimates that are missing. */
export async function plan(project: Project, request: PlanRequest, services: Services): Promise<PlanReport> {
  return await withStore(project, async (store) => {
    const settings = loadSettings(services, project);
    const mustAsk = request.manager !== false && lacksEstimates(store.tasks());
    const { source, asked } = mustAsk
      ? await askForEstimates(services, project, settings, store)
      : { source: 'stored' as const, asked: null };

    const { links: graph, estimate, tasks } = loadGraphBoard(store);
    const widest = Math.max(0, ...graph.waves().map((wave) => wave.length));
    const workers = settings.config.execution.max_workers;
    const preview = previewPlan(graph, {
      estimate,
      workers,
      maxWorkers: Math.min(WORTH_A_LOOK, widest),
      costPerMinute: costPerMinute(store),
    });
    const nodes = tasks.map(({ id, title, status, dependencies }) => ({ id, title, status, dependencies }));
    const report = {
      source,
      asked,
      ...preview,
      workers,
      ...(request.graph === true ? { graph: nodes } : {}),
    };
    return redactValue(report, redactorFor(services, project));
  });
}

async function askForEstimates(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  store: TaskStore,
): Promise<Pick<PlanReport, 'source' | 'asked'>> {
  const { openManager } = await import('./planning/manager.ts');
  const calls: Parameters<typeof callCost>[0][number][] = [];
  const open = async (signal: AbortSignal): Promise<Manager> => {
    services.tell({
      kind: 'progress',
      message:
        'Estimates are missing: the manager is asked for them, which is paid for (--no-manager asks nobody).',
    });
    const manager = await openManager(services, project, settings, store, signal);
    return {
      ...manager,
      ask: async (question, abort) => {
        const reply = await manager.ask(question, abort);
        calls.push(reply.ok ? reply.value : reply.error);
        return reply;
      },
    };
  };
  const { model } = settings.config.models.manager;
  const warn = (message: string): void => services.tell({ kind: 'warning', message });
  const source = await interruptible(services, 'Nothing was stored.', (signal) =>
    planTasks(store, model, () => open(signal), signal, warn),
  );
  return { source, asked: calls.length === 0 ? null : callCost(calls) };
}

/** What a minute of finished work has cost in this project, failed tries included; null where nothing is finished. */
function costPerMinute(store: TaskStore): number | null {
  const minutes = store.finishedWork().reduce((sum, work) => sum + work.minutes, 0);
  const cost = store
    .usage()
    .filter(({ role }) => role === 'worker')
    .reduce((sum, { costUsd }) => sum + costUsd, 0);
  return minutes > 0 ? cost / minutes : null;
}
