import type { z } from 'zod';
import { addTaskReport, addTaskRequest } from './add-task.ts';
import { addReport, addRequest } from './add.ts';
import { cancelReport, cancelRequest } from './cancel.ts';
import { checkReport, checkRequest } from './check.ts';
import { cleanReport, cleanRequest } from './clean.ts';
import { completionReport, completionRequest } from './completion.ts';
import { configRequest, configSchemaReport, configShowReport, configValidateReport } from './config.ts';
import { deleteReport, deleteRequest } from './delete.ts';
import { demoReport, demoRequest } from './demo.ts';
import { dependReport, dependRequest } from './depend.ts';
import { diffReport, diffRequest } from './diff.ts';
import { doLine, doRequest } from './do.ts';
import { editReport, editRequest } from './edit.ts';
import { expandReport, expandRequest } from './expand.ts';
import { initReport, initRequest } from './init.ts';
import { listReport, listRequest } from './list.ts';
import { logEntry, logsRequest } from './logs.ts';
import { nextReport, nextRequest } from './next.ts';
import { parseReport, parseRequest } from './parse.ts';
import { planPreview, planReport, planRequest } from './plan.ts';
import {
  recoverListReport,
  recoverListRequest,
  recoverRestoreReport,
  recoverRestoreRequest,
  recoverShowReport,
  recoverShowRequest,
  recoverStoreReport,
  recoverStoreRequest,
} from './recover.ts';
import { retryReport, retryRequest } from './retry.ts';
import { runLine, runRequest } from './run.ts';
import { setStatusReport, setStatusRequest } from './set-status.ts';
import { showReport, showRequest } from './show.ts';
import { statusReport, statusRequest } from './status.ts';
import { validateDependenciesReport, validateDependenciesRequest } from './validate-dependencies.ts';

/** What can be asked for, and what is answered: the shapes of one use case. */
export interface UseCase {
  readonly request: z.ZodObject;
  /** What `--json` prints, redacted: one document, or each line of several. */
  readonly report: z.ZodType;
  /** The commands that print it; left out where that is the one of the same name. */
  readonly commands?: readonly string[];
  /** It comes in lines, a JSON object each, while it happens. */
  readonly inLines?: true;
}

/** Every use case, in the order of the documents. */
export const USE_CASES = {
  do: { request: doRequest, report: doLine, inLines: true },
  init: { request: initRequest, report: initReport },
  check: { request: checkRequest, report: checkReport },
  add: { request: addRequest, report: addReport, commands: ['add', 'task-master add-task --prompt'] },
  parse: { request: parseRequest, report: parseReport, commands: ['parse', 'task-master parse-prd'] },
  plan: { request: planRequest, report: planReport },
  run: { request: runRequest, report: runLine, inLines: true },
  'preview-run': { request: runRequest, report: planPreview, commands: ['run --dry-run'] },
  status: { request: statusRequest, report: statusReport },
  list: { request: listRequest, report: listReport },
  show: { request: showRequest, report: showReport },
  next: { request: nextRequest, report: nextReport },
  logs: { request: logsRequest, report: logEntry, inLines: true },
  diff: { request: diffRequest, report: diffReport },
  retry: { request: retryRequest, report: retryReport },
  cancel: { request: cancelRequest, report: cancelReport },
  'recover-list': { request: recoverListRequest, report: recoverListReport, commands: ['recover list'] },
  'recover-show': { request: recoverShowRequest, report: recoverShowReport, commands: ['recover show'] },
  'recover-restore': {
    request: recoverRestoreRequest,
    report: recoverRestoreReport,
    commands: ['recover restore'],
  },
  'recover-store': { request: recoverStoreRequest, report: recoverStoreReport, commands: ['recover store'] },
  clean: { request: cleanRequest, report: cleanReport },
  'set-status': { request: setStatusRequest, report: setStatusReport },
  expand: { request: expandRequest, report: expandReport },
  edit: { request: editRequest, report: editReport },
  delete: { request: deleteRequest, report: deleteReport },
  depend: {
    request: dependRequest,
    report: dependReport,
    commands: ['depend', 'task-master add-dependency', 'task-master remove-dependency'],
  },
  'add-task': { request: addTaskRequest, report: addTaskReport, commands: ['task-master add-task --title'] },
  'validate-dependencies': {
    request: validateDependenciesRequest,
    report: validateDependenciesReport,
    commands: ['task-master validate-dependencies'],
  },
  'config-show': { request: configRequest, report: configShowReport, commands: ['config show'] },
  'config-validate': { request: configRequest, report: configValidateReport, commands: ['config validate'] },
  'config-schema': { request: configRequest, report: configSchemaReport, commands: ['config schema'] },
  demo: { request: demoRequest, report: demoReport },
  completion: { request: completionRequest, report: completionReport },
} as const satisfies Record<string, UseCase>;
