import { createHash, randomUUID } from 'node:crypto';
import { link, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Ports from here to the end are leased. All are below those that operating systems assign by themselves. */
const FIRST = 20_000;
const END = 32_768;
/** The number of ports of a slot. */
export const PORTS_PER_SLOT = 10;
const BLOCKS = Math.floor((END - FIRST) / PORTS_PER_SLOT);

/**
 * Leases a block of ports that no other slot of this machine has, and returns its first port: the same one each time
 * the slot asks. Undefined where all blocks are leased.
 *
 * A lease is a file in `leases` that names its slot. It expires when the slot's directory is gone.
 */
export async function leasePorts(leases: string, slot: string): Promise<number | undefined> {
  await mkdir(leases, { recursive: true });
  // The search starts at a place that depends on the slot's name, so a slot finds its own block without looking at all.
  const start = createHash('sha256').update(slot).digest().readUInt32BE(0) % BLOCKS;
  const claim = join(leases, `.${randomUUID()}`);
  await writeFile(claim, slot);
  try {
    for (let step = 0; step < BLOCKS; step++) {
      const port = FIRST + ((start + step) % BLOCKS) * PORTS_PER_SLOT;
      const lease = join(leases, String(port));
      if ((await acquire(claim, lease)) || (await readFile(lease, 'utf8').catch(() => '')) === slot)
        return port;
      if (!(await isExpired(lease))) continue;
      await removeLease(lease);
      if (await acquire(claim, lease)) return port;
    }
    return undefined;
  } finally {
    await rm(claim, { force: true });
  }
}

/** A link gets its content at once, so nobody reads a lease that is half written. */
async function acquire(claim: string, lease: string): Promise<boolean> {
  try {
    await link(claim, lease);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isExpired(lease: string): Promise<boolean> {
  const slot = await readFile(lease, 'utf8').catch(() => undefined);
  if (slot === undefined) return false;
  try {
    await lstat(slot);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** If several processes remove the same lease, one of them moves it. A new lease moved by mistake is put back. */
async function removeLease(lease: string): Promise<void> {
  const moved = `${lease}.${randomUUID()}`;
  try {
    await rename(lease, moved);
  } catch {
    return;
  }
  if (!(await isExpired(moved))) await acquire(moved, lease);
  await rm(moved, { force: true });
}
