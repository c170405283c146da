import { createHash, randomUUID } from 'node:crypto';
import { link, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Ports from here on are copied, all of them below those that systems give away by themselves. */
const FIRST = 20_000;
const END = 32_768;
/** How many ports a slot gets. */
export const PORTS_PER_SLOT = 10;
const BLOCKS = Math.floor((END - FIRST) / PORTS_PER_SLOT);

/**
 * The first port of a block that no other slot of this machine has; the same one each time the slot asks.
 *
 * A lease is a file in `leases` that names its slot: it ends when the slot's directory is gone. Undefined where all
 * blocks are copied.
 */
export async function leasePorts(leases: string, slot: string): Promise<number | undefined> {
  await mkdir(leases, { recursive: true });
  // By name, so that a slot finds the block it has without a look at all of them.
  const start = createHash('sha256').update(slot).digest().readUInt32BE(0) % BLOCKS;
  const claim = join(leases, `.${randomUUID()}`);
  await writeFile(claim, slot);
  try {
    for (let step = 0; step < BLOCKS; step++) {
      const port = FIRST + ((start + step) % BLOCKS) * PORTS_PER_SLOT;
      const lease = join(leases, String(port));
      if ((await take(claim, lease)) || (await readFile(lease, 'utf8').catch(() => '')) === slot) return port;
      if (!(await isOver(lease))) continue;
      await endLease(lease);
      if (await take(claim, lease)) return port;
    }
    return undefined;
  } finally {
    await rm(claim, { force: true });
  }
}

/** A link is made with its content, or not at all: nobody ever reads a lease that is half written. */
async function take(claim: string, lease: string): Promise<boolean> {
  try {
    await link(claim, lease);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isOver(lease: string): Promise<boolean> {
  const slot = await readFile(lease, 'utf8').catch(() => undefined);
  if (slot === undefined) return false;
  try {
    await lstat(slot);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Of several that end the same lease at once, one moves it away; a new lease that it caught instead is put back. */
async function endLease(lease: string): Promise<void> {
  const moved = `${lease}.${randomUUID()}`;
  try {
    await rename(lease, moved);
  } catch {
    return;
  }
  if (!(await isOver(moved))) await take(moved, lease);
  await rm(moved, { force: true });
}
