import { z } from 'zod';
import { list, useCase } from './shape.ts';

/** What `config` is asked. */
export const configRequest = z.object({});

const credential = z.string().nullable().describe('its last characters; null where it is not set');

/** What `config show` answers. */
export const configShowReport = z.object({
  file: z.string().nullable().describe('null where there is none, so that defaults apply'),
  values: list(
    z.object({
      key: z.string(),
      value: z.unknown(),
      origin: z.object({
        source: z.enum(['default', 'file', '.env', 'environment', 'flag']),
        name: z.string().describe('the file or the variable; empty for defaults and flags'),
      }),
    }),
  ),
  secrets: z
    .object({
      ANTHROPIC_API_KEY: credential,
      ANTHROPIC_AUTH_TOKEN: credential,
      CLAUDE_CODE_OAUTH_TOKEN: credential,
    })
    .describe('by variable'),
  warnings: list(z.string()),
});
export type ConfigShowReport = z.infer<typeof configShowReport>;

/** What `config schema` answers. */
export const configSchemaReport = z
  .record(z.string(), z.unknown())
  .describe('The JSON Schema of the configuration.');

/** What `config validate` answers. */
export const configValidateReport = z
  .object({
    valid: z.boolean(),
    file: z.string().nullable(),
    problems: list(
      z.object({
        path: z.string().describe('the dotted path of the key; empty where it is about a whole file'),
        source: z.string().describe('the file or the variable'),
        message: z.string(),
        fix: z.string().exactOptional().describe('missing where there is nothing to say'),
      }),
    ),
    warnings: list(z.string()),
  })
  .describe('Exit code 2 where `valid` is false.');
export type ConfigValidateReport = z.infer<typeof configValidateReport>;

export const configShowUseCase = useCase({
  request: configRequest,
  report: configShowReport,
  commands: ['config show'],
});

export const configValidateUseCase = useCase({
  request: configRequest,
  report: configValidateReport,
  commands: ['config validate'],
});

export const configSchemaUseCase = useCase({
  request: configRequest,
  report: configSchemaReport,
  commands: ['config schema'],
});
