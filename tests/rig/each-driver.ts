import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';
import { type DriverName, DRIVERS, openDriver } from '../../src/store/driver.ts';

/** What a test of the store works with. */
export interface DriverRig {
  readonly driver: DriverName;
  /** Where the store of this test is to be; the folder around it is its own. */
  readonly file: () => string;
}

/** The same tests over each driver; one that this Node cannot load is skipped and says so. */
export function describeEachDriver(title: string, tests: (rig: DriverRig) => void): void {
  for (const driver of DRIVERS) {
    const missing = reasonMissing(driver);
    describe.skipIf(missing !== undefined)(
      `${title}, over ${driver}${missing === undefined ? '' : ` (skipped: ${missing})`}`,
      () => {
        let folder: string;
        beforeEach(() => {
          folder = mkdtempSync(join(tmpdir(), 'store-'));
        });
        afterEach(() => {
          rmSync(folder, { recursive: true, force: true });
        });
        tests({ driver, file: () => join(folder, 'tasks.db') });
      },
    );
  }
}

function reasonMissing(driver: DriverName): string | undefined {
  try {
    openDriver(':memory:', { driver }).close();
    return undefined;
  } catch {
    return `Node ${process.version} cannot load it here`;
  }
}
