import { expect, test } from 'vitest';
import { hurriedDelivery } from '../../../src/app/run/workspaces.ts';
import type { Delivery } from '../../../src/domain/event.ts';
import { createSharedDirectory } from '../../../src/workspace/shared-directory.ts';

const STAGED: Delivery = { kind: 'staged', commit: 'c', message: '', commands: [] };
const shared = createSharedDirectory('/nowhere');

test('a delivery that hangs is given up by who is in a hurry', async () => {
  const hurry = new AbortController();
  const hangs = { ...shared, deliver: () => new Promise<Delivery>(() => undefined) };
  const delivery = hurriedDelivery(hangs, hurry.signal).deliver();
  hurry.abort();
  expect(await delivery).toMatchObject({ kind: 'left', commit: null });
  expect(await hurriedDelivery(hangs, hurry.signal).deliver()).toMatchObject({ kind: 'left' });
});

test('a delivery that comes to an end is told as it is', async () => {
  const workspaces = { ...shared, deliver: () => Promise.resolve(STAGED) };
  expect(await hurriedDelivery(workspaces, new AbortController().signal).deliver()).toBe(STAGED);
  const broken = { ...shared, deliver: () => Promise.reject(new Error('boom')) };
  await expect(hurriedDelivery(broken, new AbortController().signal).deliver()).rejects.toThrow('boom');
});
