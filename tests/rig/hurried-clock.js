// Preloaded into the tool: its clock leaps forward, as far as a file says, so that a test need not wait for hours. All
// timers whose time has come then fire. Other programs that inherit the environment keep the real time.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

const { HURRIED_CLOCK: file } = process.env;
const LOOK_MS = 20;
/** Timers that are sooner over than anybody leaps need no help. */
const SHORTEST_MS = 50;

if (file !== undefined && basename(process.argv[1] ?? '') === 'claude-orchestrator.js') {
  delete process.env.HURRIED_CLOCK;
  delete process.env.NODE_OPTIONS;
  hurry();
}

function hurry() {
  const { setTimeout, clearTimeout, setInterval, Date } = globalThis;
  const realNow = Date.now;
  const realUptime = performance.now.bind(performance);
  const pending = new Map();
  let leapt = 0;
  const now = () => realNow() + leapt;

  performance.now = () => realUptime() + leapt;
  Date.now = now;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  });

  globalThis.setTimeout = Object.assign((callback, delay = 0, ...args) => {
    const fire = () => {
      clearTimeout(handle);
      pending.delete(handle);
      callback(...args);
    };
    const handle = setTimeout(fire, delay);
    if (delay >= SHORTEST_MS) pending.set(handle, { due: now() + delay, fire, every: undefined });
    return handle;
  }, setTimeout);
  globalThis.setInterval = (callback, every = 1, ...args) => {
    const handle = setInterval(callback, every, ...args);
    if (every >= SHORTEST_MS)
      pending.set(handle, { due: now() + every, fire: () => callback(...args), every });
    return handle;
  };
  for (const name of ['clearTimeout', 'clearInterval']) {
    const clear = globalThis[name];
    globalThis[name] = (handle) => {
      pending.delete(handle);
      clear(handle);
    };
  }
  timersPromises.setTimeout = (delay, value, { signal, ref = true } = {}) =>
    new Promise((resolve, reject) => {
      const giveUp = () => {
        globalThis.clearTimeout(handle);
        reject(new DOMException('This operation was aborted', 'AbortError'));
      };
      const handle = globalThis.setTimeout(() => {
        signal?.removeEventListener('abort', giveUp);
        resolve(value);
      }, delay);
      if (!ref) handle.unref();
      if (signal?.aborted) giveUp();
      else signal?.addEventListener('abort', giveUp, { once: true });
    });
  syncBuiltinESMExports();

  setInterval(() => {
    const told = read();
    if (told === leapt) return;
    leapt = told;
    for (const timer of [...pending.values()].filter(({ due }) => due <= now())) {
      if (timer.every !== undefined) timer.due = now() + timer.every;
      timer.fire();
    }
  }, LOOK_MS).unref();
}

/** How far the clock is ahead, in milliseconds. */
function read() {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}
