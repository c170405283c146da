import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Services } from '../services.ts';
import { formatBytes, measureAttempts, WORTH_TELLING_BYTES } from '../project/transcripts.ts';
import type { Project } from '../project/project.ts';
import { firstLineOf, type Finding, type Findings } from './finding.ts';

const TOO_LITTLE_BYTES = 100e6;
const LITTLE_BYTES = 2e9;

/** The Node that runs the tool; one that is too old has been refused before. */
export function checkNode(services: Services, { ok }: Findings): Finding[] {
  return [ok(`Node.js ${services.nodeVersion}`)];
}

/** Whether there is room on the disk, and whether the project can be written to. */
export async function checkDisk(project: Project, findings: Findings): Promise<Finding[]> {
  const { root, stateFolder } = project;
  const folder = existsSync(stateFolder) ? stateFolder : root;
  const problem = tryToWrite(folder);
  if (problem !== undefined)
    return [
      findings.failure(
        `${folder} cannot be written to: ${problem}`,
        'Make it writable for you, or free some disk space.',
      ),
    ];
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const message = `${formatBytes(free)} free, ${folder} is writable`;
  const fix = 'Free some space: transcripts and workspaces need it.';
  const used = existsSync(stateFolder) ? await measureAttempts(project) : 0;
  const tidy =
    used < WORTH_TELLING_BYTES
      ? []
      : [
          findings.warning(
            `${formatBytes(used)} of transcripts are kept`,
            '`claude-orchestrator clean --dry-run` shows what of it may go; `logs.keep_days` keeps them for a time only.',
          ),
        ];
  if (free < TOO_LITTLE_BYTES) return [findings.failure(message, fix), ...tidy];
  return [free < LITTLE_BYTES ? findings.warning(message, fix) : findings.ok(message), ...tidy];
}

/** Only a real write tells, since permissions, quotas and read-only mounts all count. */
function tryToWrite(folder: string): string | undefined {
  const file = join(folder, `.check.${randomUUID()}.tmp`);
  try {
    writeFileSync(file, 'x', { flag: 'wx' });
    return undefined;
  } catch (error) {
    return firstLineOf(error);
  } finally {
    rmSync(file, { force: true });
  }
}
