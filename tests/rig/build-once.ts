import { execFileSync } from 'node:child_process';

/** Builds `dist/` once before any test, so that tests of the binary never test yesterday's code. */
export default function buildOnce(): void {
  execFileSync('node', ['scripts/build.js'], { stdio: 'inherit' });
}
