import { z } from 'zod';

/** A list, which nobody who is given one may change. */
export function list<T extends z.ZodType>(item: T): z.ZodReadonly<z.ZodArray<T>> {
  return z.array(item).readonly();
}

/** A shape with a name of its own in the documents, for what several reports hold. */
export function shape<T extends z.core.$ZodLooseShape>(
  id: string,
  description: string,
  fields: T,
): z.ZodObject<T> {
  return z.object(fields).meta({ id, description });
}

/** Moments, ISO 8601 in UTC. */
export const moment = z.string().meta({ id: 'Moment', description: 'ISO 8601, UTC' });

/** Money, as the API's price list has it. */
export const usd = z.number().meta({ id: 'Usd', description: 'US dollars at list price' });
