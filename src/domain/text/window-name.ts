import { describeWindow } from '../usage-limit.ts';
import { neutralise } from './display-text.ts';

/** A window of usage limits as people call it, safe to print. */
export function windowName(window: string): string {
  return neutralise(describeWindow(window));
}
