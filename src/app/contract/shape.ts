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

/** What can be asked for, and what is answered: the shapes of one use case. */
export interface UseCase {
  readonly request: z.ZodObject;
  /** What `--json` prints, redacted: one document, or each line of several. */
  readonly report: z.ZodType;
  /** The commands that print it; left out where that is the one of the same name. */
  readonly commands?: readonly string[];
  /** It comes in lines, a JSON object each, while it happens. */
  readonly inLines?: true;
}

/** A use case; the documents and the tests find it by the end of its name in this folder, `…UseCase`. */
export function useCase(shapes: UseCase): UseCase {
  return shapes;
}
