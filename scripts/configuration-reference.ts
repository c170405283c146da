import { toJSONSchema, type z } from 'zod';
import { configKeys, schemaAt } from '../src/app/config/schema.ts';

const HEAD = `<!-- Written by \`npm run docs\` from src/app/config/schema.ts; edit that. -->

# Configuration

\`orchestrator_config.json\`, found upwards from the working directory; \`init\` writes one with a schema that editors
understand. Later ones win: defaults, file, \`.env\`, environment, flags. Every key can be set in the environment:
\`CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKERS=5\` is \`execution.max_workers\`. Secrets (\`ANTHROPIC_API_KEY\`) come from the
environment or \`.env\` only. \`config show\` prints what applies and where it comes from, \`config validate\` every mistake.
`;

/** The text of docs/configuration.md: every key of the configuration with its default and what it may be. */
export function configurationReference(): string {
  const sections = [...new Set(configKeys().map((key) => key.slice(0, key.indexOf('.'))))];
  return [HEAD, ...sections.map(sectionOf)].join('\n');
}

function sectionOf(name: string): string {
  const keys = configKeys().filter((key) => key.startsWith(`${name}.`));
  const lines = keys.map((key) => {
    const schema = schemaOf(key);
    const { description = '' } = schema;
    return `| \`${key}\` | \`${JSON.stringify(schema.default)}\` | ${cell(valuesOf(schema))} | ${cell(description)} |`;
  });
  return `## ${name}

${schemaOf(name).description ?? ''}

| key | default | may be | meaning |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
}

function schemaOf(key: string): z.core.JSONSchema.BaseSchema {
  const schema = schemaAt(key.split('.'));
  if (schema === undefined) throw new Error(`${key} is in no schema.`);
  return toJSONSchema(schema, { io: 'input' });
}

/** What a value may be, in words. */
function valuesOf(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(valuesOf).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  switch (schema.type) {
    case 'array':
      return Array.isArray(schema.items) || typeof schema.items !== 'object'
        ? 'a list'
        : schema.items.enum === undefined
          ? 'a list of texts'
          : `a list of ${valuesOf(schema.items)}`;
    case 'object':
      return 'names and values';
    case 'integer':
    case 'number':
      return `${schema.type === 'integer' ? 'a whole number' : 'a number'}${rangeOf(schema)}`;
    case 'string':
      return schema.format === 'uri' ? 'an address (http or https)' : 'a text';
    case 'boolean':
      return '`true`, `false`';
    case 'null':
      return '`null`';
    default:
      throw new Error(`Say in valuesOf what ${JSON.stringify(schema)} may be.`);
  }
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: z.core.JSONSchema.BaseSchema): string {
  const least = exclusiveMinimum === undefined ? minimum : `more than ${exclusiveMinimum}`;
  return least === undefined ? '' : `, ${least} to ${maximum}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
