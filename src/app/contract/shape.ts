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

/** A moment. */
export const moment = z.string().meta({ id: 'Time', title: 'time', description: 'ISO 8601, UTC' });

/** Money. */
export const usd = z
  .number()
  .meta({ id: 'UsDollars', title: 'US dollars', description: 'by the list prices of the API' });
