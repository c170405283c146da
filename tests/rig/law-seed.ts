import fc from 'fast-check';

/**
 * Laws are tried on the same cases each time, so that a red run is about what was changed. `LAW_SEED=random` looks for
 * new cases, `LAW_SEED=<number>` for those of a failure.
 */
const { LAW_SEED: given } = process.env;

if (given !== 'random') fc.configureGlobal({ seed: given === undefined ? 20_261_122 : Number(given) });
