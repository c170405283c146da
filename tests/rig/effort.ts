/** Whether everything is to be tried, as `npm run test:all` does: the slow tests, and all cases of each law. */
export const ALL = process.env['TEST_ALL'] === '1';

/** How many cases of a law to try: so many with {@link ALL}, else a twentieth, but enough to meet what is common. */
export function cases(all: number, few = Math.max(100, Math.round(all / 20))): number {
  return ALL ? all : Math.min(all, few);
}
