import { describe, expect, it } from 'vitest';
import { OutageDetector } from '../../../src/engine/outage-detector.ts';
import { attemptEnd } from '../../rig/attempt-end.ts';

const lost = attemptEnd('infrastructure', { outage: true, message: 'Connection error.' });

/** Whether the detector blames the task for the outage that it meets. */
function isBlamed(detector: OutageDetector, taskId: string): boolean {
  return detector.detect(taskId, lost, 0, false) === null;
}

describe('OutageDetector', () => {
  it('blames no task for an outage that ends for no task, however often it is met', () => {
    const detector = new OutageDetector();
    for (let time = 0; time < 100; time++) expect(isBlamed(detector, String(time % 3))).toBe(false);
  });

  it('blames a task whose outages end for others, but not for itself', () => {
    const detector = new OutageDetector();
    const blamed: boolean[] = [];
    for (let time = 0; time < 3; time++) {
      blamed.push(isBlamed(detector, '1'));
      detector.recordRecovery();
    }
    expect(blamed).toEqual([false, false, true]);
    expect(isBlamed(detector, '2')).toBe(false);
  });

  it('needs more of them when no other task is left for which they could end', () => {
    const detector = new OutageDetector();
    isBlamed(detector, '1');
    detector.recordRecovery();
    expect([2, 3, 4, 5, 6].map(() => isBlamed(detector, '1'))).toEqual([false, false, false, false, true]);
  });

  it('begins anew when the task was answered', () => {
    const detector = new OutageDetector();
    for (let time = 0; time < 20; time++) {
      expect(isBlamed(detector, '1')).toBe(false);
      detector.recordRecovery();
      detector.recordAnswer('1');
    }
  });
});
