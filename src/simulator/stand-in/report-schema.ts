/** Why a value does not fit a JSON Schema, as far as an object's own properties go; undefined where it does. */
export function schemaProblem(schema: Readonly<Record<string, unknown>>, value: object): string | undefined {
  const fields = new Map(Object.entries(value));
  const properties = (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>;
  const missing = ((schema['required'] ?? []) as string[]).find((name) => !fields.has(name));
  if (missing !== undefined) return `root: must have required property '${missing}'`;
  for (const [name, field] of fields) {
    const property = properties[name];
    if (property === undefined) {
      if (schema['additionalProperties'] === false)
        return `root: must NOT have additional property '${name}'`;
      continue;
    }
    const { type, enum: choices } = property;
    if (typeof type === 'string' && !isOfType(field, type)) return `/${name}: must be ${type}`;
    if (Array.isArray(choices) && !choices.includes(field))
      return `/${name}: must be equal to one of the allowed values`;
  }
  return undefined;
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
